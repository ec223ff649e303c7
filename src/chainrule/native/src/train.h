// Training steps: forward, loss, backward, update, by all threads of a team together.
#pragma once

#include "activations.h"
#include "first_layer.h"
#include "gemm.h"
#include "losses.h"
#include "update.h"

namespace chainrule {
namespace CHAINRULE_ISA {

// One thread's view of a run of steps. Each tensor is divided among the threads (`part_of`); a
// barrier stands wherever a thread is about to read what another one has written.
template <class T>
class Worker {
public:
    Worker(const Training<T>& training, Request& request, Team& team, int thread)
        : t_(training), request_(request), team_(team), first_(t_, team, thread), thread_(thread),
          threads_(team.size()), least_(least_columns()), has_dropout_(has_dropout()),
          sync_before_gradients_(sync_before_gradients()) {}

    void run() {
        first_.open();
        if (first_.ahead()) load_first();
        for (Index s = 0; s < request_.steps; ++s)
            if (!step(s)) break;
        first_.close();
    }

private:
    bool step(Index s) {
        const Batch batch = batch_of(s);
        n_ = batch.n;
        t_.rows = batch.rows;
        step_ = request_.step + s + 1;
        lr_ = request_.lrs[s];
        if (thread_ == 0) draw_masks();
        first_.turn(batch_of(s + 1));
        first_.load(n_);
        sync(first_.dense() || has_dropout_);
        // Pairs are wanted already during this step; rows of CSR not before the next one, and would
        // stand in the way of those that are read now.
        if (first_.ahead()) first_.prefetch(batch_of(s + 1));
        forward();
        if (!first_.ahead()) first_.prefetch(batch_of(s + 1));
        if (!loss()) return false;
        first_.clear();
        backward();
        sync(sync_before_gradients_);
        gradients_and_update();
        load_all();
        sync(true);
        return true;
    }

    // Rows of the step s of this run; none beyond its last one.
    Batch batch_of(Index s) const {
        if (s >= request_.steps) return {};
        const Index start = s * t_.batch_size;
        const Index left = request_.n_order - start;
        return {request_.order + start, left < t_.batch_size ? left : t_.batch_size};
    }

    // The first batch, which no step before could make ready.
    void load_first() {
        first_.clear();
        first_.turn(batch_of(0));
        first_.clear();
        team_.barrier();
        load_all();
        team_.barrier();
    }

    void load_all() {
        while (first_.load_some()) {}
    }

    // A barrier where one is needed. Who waits for others makes the next batch ready.
    void sync(bool needed) {
        if (!needed) return;
        const long round = team_.arrive();
        while (!team_.passed(round) && first_.load_some()) {}
        team_.wait(round);
    }

    bool has_dropout() const {
        for (int i = 0; i < t_.n_layers; ++i)
            if (t_.layers[i].kind == Kind::dropout) return true;
        return false;
    }

    Part own(Index width) const { return part_of(n_, width, thread_, threads_, least_); }
    bool by_columns(Index width) const {
        return CHAINRULE_ISA::by_columns(width, threads_, least_);
    }

    // How many columns a thread's share must have: more where BLAS multiplies the shares of x.
    Index least_columns() const {
        const Layer& layer = t_.layers[t_.first_linear];
        const double flops = 2.0 * t_.batch_size * layer.in * layer.out / threads_;
        const bool by_blas = first_.dense() && gemm_of<T>(t_.blas) && flops >= kLarge;
        return by_blas ? kColumnsOfBlas : kColumns;
    }

    // As numpy.random.Generator.random(dtype=float32) draws, in the same order.
    void draw_masks() {
        for (int i = 0; i < t_.n_layers; ++i) {
            const Layer& layer = t_.layers[i];
            if (layer.kind != Kind::dropout || layer.parameter == 0) continue;
            const float rate = float(layer.parameter);
            const T kept = T(1 / (1 - layer.parameter));
            BitGenerator& random = *request_.random;
            for (Index e = 0; e < n_ * layer.out; ++e) {
                const float u = float(random.next_uint32(random.state) >> 8) * (1.0f / 16777216.0f);
                t_.masks[i][e] = u >= rate ? kept : T(0);
            }
        }
    }

    // --- forward ------------------------------------------------------------------------------

    void forward() {
        for (int i = 0; i < t_.n_layers; ++i) {
            const Layer& layer = t_.layers[i];
            if (layer.kind == Kind::linear) {
                sync(i != 0);
                forward_linear(i, layer);
            } else if (layer.kind == Kind::activation) {
                forward_activation(layer, t_.inputs[i], t_.inputs[i + 1], own(layer.out));
            } else if (t_.inputs[i + 1] != t_.inputs[i]) {
                times(t_.inputs[i], t_.masks[i], t_.inputs[i + 1], own(layer.out), layer.out);
            }
        }
    }

    void forward_linear(int i, const Layer& layer) {
        const Part part = own(layer.out);
        const T* W = t_.params + layer.W;
        const T* b = layer.b < 0 ? nullptr : t_.params + layer.b;
        if (i == 0 && !first_.dense()) return first_.forward(W, b, part);
        const Matrix<T> x{t_.inputs[i] + part.r0 * layer.in, layer.in, 1};
        const Result<T> z{t_.inputs[i + 1] + part.r0 * layer.out + part.c0, layer.out,
                          b ? b + part.c0 : nullptr, false, T(0)};
        product(t_.blas, part.r1 - part.r0, layer.in, part.c1 - part.c0, x,
                Matrix<T>{W + part.c0, layer.out, 1}, z, t_.scratch[thread_]);
    }

    // --- loss ---------------------------------------------------------------------------------

    // Value and gradient of the loss; false, for all threads, if the value is not finite.
    bool loss() {
        const Layer& last = t_.layers[t_.n_layers - 1];
        T* const d = t_.gradients[last_linear()];
        sync(by_columns(last.out));
        const double total = total_weight();
        const Index r0 = share(n_, 1, thread_, threads_), r1 = share(n_, 1, thread_ + 1, threads_);
        const T each = T(1) / T(n_);
        const T* weights = t_.weights;
        const std::int64_t* rows = t_.rows;
        const T* z = t_.inputs[t_.n_layers];
        if (weights)
            loss_rows(t_, z, last.out, r0, r1, d, t_.scratch[thread_], [=](Index r) {
                return T(total > 0 ? weights[rows[r]] / total : weights[rows[r]]);
            });
        else
            loss_rows(t_, z, last.out, r0, r1, d, t_.scratch[thread_], [=](Index) { return each; });
        sync(true);
        const double value = mean_loss(total);
        if (!std::isfinite(value)) return false;
        if (thread_ == 0) add_up(value, total);
        return true;
    }

    double total_weight() const {
        if (!t_.weights) return double(n_);
        double total = 0;
        for (Index r = 0; r < n_; ++r) total += t_.weights[t_.rows[r]];
        return total;
    }

    // Every thread adds the rows up in the same order: they must agree on it to the last bit.
    double mean_loss(double total) const {
        double sum = 0;
        for (Index r = 0; r < n_; ++r)
            sum += (t_.weights ? double(t_.weights[t_.rows[r]]) : 1.0) * double(t_.row_losses[r]);
        return total > 0 ? sum / total : sum;
    }

    void add_up(double value, double total) {
        request_.loss += value * total;
        request_.weight += total;
        request_.examples += n_;
        for (Index r = 0; r < n_; ++r) request_.hits += t_.row_hits[r];
        request_.done += 1;
    }

    int last_linear() const {
        int i = t_.n_layers - 1;
        while (t_.layers[i].kind != Kind::linear) --i;
        return i;
    }

    // --- backward -----------------------------------------------------------------------------

    // The gradient with respect to the output of every linear layer.
    void backward() {
        T* d = t_.gradients[last_linear()];
        for (int i = t_.n_layers - 1; i > t_.first_linear; --i) {
            const Layer& layer = t_.layers[i];
            if (layer.kind == Kind::activation) {
                backward_activation(layer, d, t_.inputs[i], t_.inputs[i + 1], own(layer.out));
            } else if (layer.kind == Kind::dropout) {
                if (t_.inputs[i + 1] != t_.inputs[i])
                    times(d, t_.masks[i], d, own(layer.out), layer.out);
            } else {
                // The loss ended with a barrier; what came after it is each thread's own.
                sync(i != t_.n_layers - 1);
                d = backward_linear(i, layer);
            }
        }
    }

    // Whether a thread takes a gradient of which another has computed a part, or changes weights
    // that another may still read.
    bool sync_before_gradients() const {
        for (int i = t_.first_linear; i < t_.n_layers; ++i) {
            const Layer& layer = t_.layers[i];
            if (layer.kind != Kind::linear) continue;
            const bool wide = by_columns(layer.out);
            if (!wide && i != last_linear()) return true;
            if (t_.fused && i != t_.first_linear && (wide || !by_columns(layer.in)))
                return true;
        }
        return false;
    }

    // dx = dy Wᵀ, into the gradient of the linear layer below.
    T* backward_linear(int i, const Layer& layer) {
        int below = i - 1;
        while (t_.layers[below].kind != Kind::linear) --below;
        T* const dx = t_.gradients[below];
        const Part part = own(layer.in);
        const Matrix<T> dy{t_.gradients[i] + part.r0 * layer.out, layer.out, 1};
        const Matrix<T> transposed{t_.params + layer.W + part.c0 * layer.out, 1, layer.out};
        const Result<T> result{dx + part.r0 * layer.in + part.c0, layer.in, nullptr, false, T(0)};
        product(t_.blas, part.r1 - part.r0, layer.out, part.c1 - part.c0, dy, transposed, result,
                t_.scratch[thread_]);
        return dx;
    }

    void gradients_and_update() {
        for (int i = t_.first_linear; i < t_.n_layers; ++i)
            if (t_.layers[i].kind == Kind::linear) weight_gradient(i, t_.layers[i]);
        if (t_.fused) return;
        sync(true);
        T clip = T(1);
        if (t_.update.clip_norm > 0) {
            square_sums(t_, thread_, threads_);
            sync(true);
            clip = T(clip_factor(t_));
        }
        update_parameters(t_, share(t_.n_params, 64, thread_, threads_),
                          share(t_.n_params, 64, thread_ + 1, threads_), clip, lr_, step_);
    }

    // dW = xᵀ dy and db = Σ dy: written down, or taken from the parameters at once.
    void weight_gradient(int i, const Layer& layer) {
        const Part part = part_of_weights(layer.in, layer.out, thread_, threads_, least_);
        const T* dy = t_.gradients[i];
        if (i == 0 && !first_.dense()) {
            first_.weight_gradient(dy, part, !t_.fused || request_.keep_grads, T(lr_));
        } else {
            const Matrix<T> transposed{t_.inputs[i] + part.r0, 1, layer.in};
            const Matrix<T> d{dy + part.c0, layer.out, 1};
            const Index at = layer.W + part.r0 * layer.out + part.c0;
            const Index m = part.r1 - part.r0, n = part.c1 - part.c0;
            T* const scratch = t_.scratch[thread_];
            if (!t_.fused || request_.keep_grads)
                product(t_.blas, m, n_, n, transposed, d,
                        Result<T>{t_.grads + at, layer.out, nullptr, false, T(0)}, scratch);
            if (t_.fused)
                product(t_.blas, m, n_, n, transposed, d,
                        Result<T>{t_.params + at, layer.out, nullptr, true, -T(lr_)}, scratch);
        }
        if (layer.b >= 0 && (by_columns(layer.out) || thread_ == 0))
            bias_gradient(layer, dy, part.c0, part.c1);
    }

    void bias_gradient(const Layer& layer, const T* dy, Index c0, Index c1) {
        const T lr = T(lr_);
        for_each_vector<T>(c0, c1, [&](Index c, Index n) {
            Vec<T> sum{};
            for (Index r = 0; r < n_; ++r) sum += load_some(dy + r * layer.out + c, n);
            if (!t_.fused || request_.keep_grads) store_some(t_.grads + layer.b + c, sum, n);
            T* const b = t_.params + layer.b + c;
            if (t_.fused) store_some(b, multiply_add(splat(-lr), sum, load_some(b, n)), n);
        });
    }

    Training<T> t_;
    Request& request_;
    Team& team_;
    FirstLayer<T> first_;
    const int thread_, threads_;
    const Index least_;
    const bool has_dropout_, sync_before_gradients_;
    Index n_ = 0;           // rows of the batch at hand
    std::int64_t step_ = 0;
    double lr_ = 0;
};

}  // namespace CHAINRULE_ISA
}  // namespace chainrule
