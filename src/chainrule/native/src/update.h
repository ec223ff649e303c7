// Optimisers: one pass over a range of the flat vector, as chainrule.optim defines them.
#pragma once

#include <cmath>
#include <limits>

#include "functions.h"

namespace chainrule {
namespace CHAINRULE_ISA {

template <class T>
inline Vec<T> square_root(Vec<T> x) {
    Vec<T> y;
    for (int i = 0; i < kLanes<T>; ++i) y[i] = std::sqrt(x[i]);
    return y;
}

// What one step multiplies by, in the dtype of the parameters as NumPy would have them.
template <class T>
struct StepFactors {
    T lr, decay1, rest1, decay2, rest2, eps, adam;

    StepFactors(const Update& u, double rate, std::int64_t step)
        : lr(T(rate)), decay1(T(u.decay1)), rest1(T(1 - u.decay1)), decay2(T(u.decay2)),
          rest2(T(1 - u.decay2)), eps(T(u.eps)), adam(0) {
        if (u.rule != Rule::adam) return;
        const double c = std::sqrt(1 - std::pow(u.decay2, double(step)));
        eps = T(c * u.eps);
        adam = T(rate * c / (1 - std::pow(u.decay1, double(step))));
    }
};

// The step that a parameter with gradient g is moved back by.
template <class T, Rule R>
inline Vec<T> move_by(Vec<T> g, T* const* moments, Index i, Index n, const StepFactors<T>& f) {
    if (R == Rule::sgd) return f.lr * g;
    T* const m0 = moments[0] + i;
    if (R == Rule::momentum || R == Rule::nesterov) {
        const Vec<T> velocity = multiply_add(load_some(m0, n), splat(f.decay1), g);
        store_some(m0, velocity, n);
        return f.lr * (R == Rule::nesterov ? g + velocity * f.decay1 : velocity);
    }
    if (R == Rule::adam) {
        T* const m1 = moments[1] + i;
        const Vec<T> m = load_some(m0, n) * f.decay1 + g * f.rest1;
        const Vec<T> v = load_some(m1, n) * f.decay2 + g * f.rest2 * g;
        store_some(m0, m, n);
        store_some(m1, v, n);
        return m / (square_root<T>(v) + f.eps) * f.adam;
    }
    const Vec<T> s = load_some(m0, n) * f.decay2 + g * f.rest2 * g;
    store_some(m0, s, n);
    const Vec<T> scaled = g / (square_root<T>(s) + f.eps);
    if (R == Rule::rmsprop) return f.lr * scaled;
    T* const m1 = moments[1] + i;
    const Vec<T> velocity = load_some(m1, n) * f.decay1 + scaled;
    store_some(m1, velocity, n);
    return f.lr * velocity;
}

template <class T, Rule R>
void update_range(const Training<T>& t, Index begin, Index end, bool decayed, T clip,
                  const StepFactors<T>& f) {
    const T l2 = decayed ? T(t.update.l2) : T(0);
    const T kept = decayed ? T(1 - double(f.lr) * t.update.weight_decay) : T(1);
    for_each_vector<T>(begin, end, [&](Index i, Index n) {
        Vec<T> p = load_some(t.params + i, n);
        const Vec<T> g = load_some(t.grads + i, n) * clip + p * l2;
        p = p * kept - move_by<T, R>(g, t.moments, i, n, f);
        store_some(t.params + i, p, n);
    });
}

// What has faded to next to nothing becomes 0: see Optimizer.fading.
template <class T>
void flush(T* moment, Index begin, Index end) {
    const T least = std::numeric_limits<T>::min() * T(1 << 20);
    for_each_vector<T>(begin, end, [&](Index i, Index n) {
        const Vec<T> v = load_some(moment + i, n);
        store_some(moment + i, absolute<T>(v) < least ? Vec<T>{} : v, n);
    });
}

constexpr std::int64_t kFlushEvery = 32;

template <class T>
inline T* fading_moment(const Training<T>& t) {
    switch (t.update.rule) {
        case Rule::momentum: case Rule::nesterov: case Rule::adam: return t.moments[0];
        case Rule::rmsprop_momentum: return t.moments[1];
        default: return nullptr;
    }
}

template <class T>
void update_segment(const Training<T>& t, Index begin, Index end, bool decayed, T clip,
                    const StepFactors<T>& f) {
    switch (t.update.rule) {
        case Rule::sgd: return update_range<T, Rule::sgd>(t, begin, end, decayed, clip, f);
        case Rule::momentum:
            return update_range<T, Rule::momentum>(t, begin, end, decayed, clip, f);
        case Rule::nesterov:
            return update_range<T, Rule::nesterov>(t, begin, end, decayed, clip, f);
        case Rule::rmsprop: return update_range<T, Rule::rmsprop>(t, begin, end, decayed, clip, f);
        case Rule::rmsprop_momentum:
            return update_range<T, Rule::rmsprop_momentum>(t, begin, end, decayed, clip, f);
        case Rule::adam: return update_range<T, Rule::adam>(t, begin, end, decayed, clip, f);
    }
}

// Parameters [begin, end), the thread's own.
template <class T>
void update_parameters(const Training<T>& t, Index begin, Index end, T clip, double lr,
                       std::int64_t step) {
    const StepFactors<T> factors(t.update, lr, step);
    for (int s = 0; s < t.n_segments; ++s) {
        const Segment& segment = t.segments[s];
        const Index from = segment.begin > begin ? segment.begin : begin;
        const Index to = segment.end < end ? segment.end : end;
        if (from < to) update_segment(t, from, to, segment.decayed, clip, factors);
    }
    T* const fading = fading_moment(t);
    if (fading && step % kFlushEvery == 0) flush(fading, begin, end);
}

// Sums of squares of the gradient, block by block, so that the norm is the same for any number
// of threads.
template <class T>
void square_sums(const Training<T>& t, int thread, int threads) {
    const Index blocks = (t.n_params + kNormBlock - 1) / kNormBlock;
    const Index last = share(blocks, 1, thread + 1, threads);
    for (Index b = share(blocks, 1, thread, threads); b < last; ++b) {
        const Index end = (b + 1) * kNormBlock < t.n_params ? (b + 1) * kNormBlock : t.n_params;
        double sum = 0;
        for (Index i = b * kNormBlock; i < end; ++i) sum += double(t.grads[i]) * double(t.grads[i]);
        t.norms[b] = sum;
    }
}

// The norm of a gradient whose squares do not fit: all of it is scaled by the largest entry.
template <class T>
double scaled_norm(const Training<T>& t) {
    double largest = 0, sum = 0;
    for (Index i = 0; i < t.n_params; ++i) {
        const double size = std::fabs(double(t.grads[i]));
        if (!(size <= largest)) largest = size;
    }
    if (largest == 0 || !std::isfinite(largest)) return largest;
    for (Index i = 0; i < t.n_params; ++i) {
        const double scaled = double(t.grads[i]) / largest;
        sum += scaled * scaled;
    }
    return largest * std::sqrt(sum);
}

// The factor that brings the gradient's norm down to clip_norm.
template <class T>
double clip_factor(const Training<T>& t) {
    double sum = 0;
    for (Index b = 0; b * kNormBlock < t.n_params; ++b) sum += t.norms[b];
    const bool fits = sum > std::numeric_limits<double>::min() && std::isfinite(sum);
    const double norm = fits ? std::sqrt(sum) : scaled_norm(t);
    return norm > t.update.clip_norm ? t.update.clip_norm / norm : 1.0;
}

}  // namespace CHAINRULE_ISA
}  // namespace chainrule
