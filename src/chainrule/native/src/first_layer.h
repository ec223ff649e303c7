// The first layer on a batch of X, in whichever form X came; each thread its part.
#pragma once

#include "column_order.h"
#include "pairs.h"

namespace chainrule {
namespace CHAINRULE_ISA {

template <class T>
class FirstLayer {
public:
    FirstLayer(const Training<T>& training, const Team& team, int thread)
        : t_(training), order_(t_, thread, pairs()), thread_(thread), threads_(team.size()) {}

    // Whether its input stands in `inputs[0]`, as any layer's.
    bool dense() const { return t_.X || t_.bytes; }

    // Whether a batch is made ready during the step before: put into the order of its columns.
    bool ahead() const { return t_.pairs.start || t_.coded.start; }

    // The batch made ready, if that was not done ahead.
    void load(Index n) {
        n_ = n;
        if (dense()) gather();
    }

    // See ColumnOrder.
    void turn(Batch next) {
        if (ahead()) order_.turn(next);
    }
    void clear() {
        if (thread_ == 0) order_.clear();
    }
    bool load_some() { return ahead() && order_.load_some(); }

    // While steps run, each thread keeps its columns of W together, where it updates them itself:
    // lines of another's columns between them would be fetched along, and taken from its cache.
    void open() {
        if (has_panel()) copy_columns(true);
    }
    void close() {
        if (has_panel()) copy_columns(false);
    }

    // z = x W + b where x is not dense.
    void forward(const T* W, const T* b, Part part) {
        const Index width = layer().out;
        T* const z = t_.inputs[1];
        if (t_.csr.start) {
            const std::int64_t* rows = t_.rows;
            sparse_forward(t_.csr, [rows](Index r) { return rows[r]; }, W, b, width, z, part);
        } else {
            const bool all = all_rows(), mine = has_panel();
            pairs_forward(layer().in, [&](Index i) { return entries_of(i, all); },
                          mine ? panel() - part.c0 : W, mine ? own_width() : width, b, width, z,
                          t_.tiles[thread_], part);
        }
    }

    // dW = xᵀ dy where x is not dense: written to `grads` if `kept`, and taken from W at once if
    // the update is fused.
    void weight_gradient(const T* dy, Part part, bool kept, T lr) {
        if (t_.csr.start) return scattered_weight_gradient(dy, part, kept, lr);
        const Layer& l = layer();
        const Vec<T> step = splat(-lr);
        T* const W = has_panel() ? panel() - part.c0 : t_.params + l.W;
        const Index stride = has_panel() ? own_width() : l.out;
        const Index i0 = all_rows() ? 0 : share(pairs(), 1, thread_, threads_);
        const Index i1 = all_rows() ? pairs() : share(pairs(), 1, thread_ + 1, threads_);
        pairs_gradient(l.in, i0, i1, [&](Index i) { return entries_of(i, true); }, dy, n_, l.out,
                       t_.tiles[thread_], part.c0, part.c1,
                       [&](Index row, Index column, bool touched, auto sum, Index columns) {
            if (kept) sum.to(t_.grads + l.W + row * l.out + column, columns);
            if (t_.fused && touched) sum.add_to(W + row * stride + column, step, columns);
        });
    }

    // Rows lie all over the memory: those of a batch to come are fetched during this one.
    void prefetch(Batch batch) {
        if (t_.csr.start) {
            for (Index r = 0; r < batch.n; ++r) {
                const std::int64_t row = batch.rows[r];
                const Index first = t_.csr.start[row], last = t_.csr.start[row + 1];
                prefetch(t_.csr.value + first, t_.csr.value + last);
                prefetch(t_.csr.column + first, t_.csr.column + last);
            }
            return;
        }
        for (Index r = first_row(batch.n); r < last_row(batch.n); ++r) {
            if (t_.pairs.start) prefetch_pairs(t_.pairs, batch.rows[r]);
            else if (t_.coded.start) prefetch_pairs(t_.coded, batch.rows[r]);
        }
    }

private:
    const Layer& layer() const { return t_.layers[0]; }
    Index pairs() const { return (layer().in + 1) / 2; }
    bool all_rows() const { return by_columns(layer().out, threads_); }
    Index first_row(Index n) const { return share(n, 1, thread_, threads_); }
    Index last_row(Index n) const { return share(n, 1, thread_ + 1, threads_); }

    void gather() {
        const Index width = layer().in, last = last_row(n_);
        for (Index r = first_row(n_); r < last; ++r) {
            T* const x = t_.inputs[0] + r * width;
            const Index at = t_.rows[r] * width;
            if (t_.bytes) {
                for (Index i = 0; i < width; ++i) x[i] = t_.table[t_.bytes[at + i]];
            } else {
                const T* const later = t_.X + t_.rows[r + 2 < last ? r + 2 : r] * width;
                prefetch(later, later + width);
                std::memcpy(x, t_.X + at, width * sizeof(T));
            }
        }
    }

    // The batch's entries of a pair of columns: all of them, or those in this thread's rows.
    Entries<T> entries_of(Index i, bool all) const {
        return all ? order_.entries(i) : order_.entries(i, first_row(n_), last_row(n_));
    }

    bool has_panel() const { return ahead() && t_.fused && threads_ > 1 && all_rows(); }
    T* panel() const { return t_.panels[thread_]; }
    Index own_width() const {
        const Part part = part_of(1, layer().out, thread_, threads_);
        return part.c1 - part.c0;
    }

    // This thread's columns, from the whole to the panel or back.
    void copy_columns(bool to_panel) {
        const Part part = part_of(1, layer().out, thread_, threads_);
        const Index width = part.c1 - part.c0;
        for (Index i = 0; i < layer().in; ++i) {
            T* const whole = t_.params + layer().W + i * layer().out + part.c0;
            T* const own = panel() + i * width;
            std::memcpy(to_panel ? own : whole, to_panel ? whole : own, width * sizeof(T));
        }
    }

    void scattered_weight_gradient(const T* dy, Part part, bool kept, T lr) {
        const Layer& l = layer();
        if (kept) {
            T* const dW = t_.grads + l.W;
            for (Index i = part.r0; i < part.r1; ++i)
                std::memset(dW + i * l.out + part.c0, 0,
                            std::size_t(part.c1 - part.c0) * sizeof(T));
            scattered_gradient(t_.csr, t_.rows, n_, dy, l.out, part, T(1), dW);
        }
        if (t_.fused)
            scattered_gradient(t_.csr, t_.rows, n_, dy, l.out, part, -lr, t_.params + l.W);
    }

    template <class P>
    void prefetch_pairs(const PairRows<P>& x, std::int64_t row) {
        prefetch(x.pairs + x.start[row], x.pairs + x.start[row + 1]);
        prefetch(x.seen + row * words_of(pairs()), x.seen + (row + 1) * words_of(pairs()));
    }

    template <class U>
    static void prefetch(const U* begin, const U* end) {
        constexpr Index line = 64;
        const char* const last = reinterpret_cast<const char*>(end);
        for (const char* p = reinterpret_cast<const char*>(begin); p < last; p += line)
            CHAINRULE_ISA::prefetch(p);
    }

    const Training<T>& t_;
    ColumnOrder<T> order_;
    const int thread_, threads_;
    Index n_ = 0;  // rows of the batch at hand
};

}  // namespace CHAINRULE_ISA
}  // namespace chainrule
