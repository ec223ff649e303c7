// Loss of every row, and its gradient with respect to the output, from one pass.
#pragma once

#include <cmath>

#include "functions.h"

namespace chainrule {
namespace CHAINRULE_ISA {

// −log p[y] with p = softmax(z), smoothed, and d = (p − target) · share(row), for rows [first,
// first + n): one in each lane of a vector, since classes may be few. `scratch` holds the rows.
template <class T, class Share>
void softmax_rows(const Training<T>& t, const T* z, Index classes, Index first, Index n,
                  Share share, T* d, T* scratch) {
    constexpr Index lanes = kLanes<T>;
    for (Index c = 0; c < classes; ++c)
        for (Index r = 0; r < lanes; ++r)
            scratch[c * lanes + r] = z[(first + (r < n ? r : 0)) * classes + c];
    Vec<T> top = load(scratch);
    Vec<Int<T>> best{};
    for (Index c = 1; c < classes; ++c) {
        const Vec<T> v = load(scratch + c * lanes);
        best = v > top ? Vec<Int<T>>{} + Int<T>(c) : best;
        top = v > top ? v : top;
    }
    Vec<T> total{}, shifted_sum{};
    for (Index c = 0; c < classes; ++c) {
        const Vec<T> shifted = load(scratch + c * lanes) - top;
        const Vec<T> e = exp<T>(shifted);
        shifted_sum += shifted;
        total += e;
        store(scratch + c * lanes, e);
    }
    const T smoothing = T(t.criterion_parameter), per_class = smoothing / T(classes);
    Vec<T> scale{};
    for (Index r = 0; r < n; ++r) {
        const Index row = first + r, label = t.labels[t.rows[row]];
        const T log_total = std::log(total[r]);
        T loss = log_total - (z[row * classes + label] - top[r]);
        if (smoothing != T(0))
            loss = (1 - smoothing) * loss + smoothing * (log_total - shifted_sum[r] / T(classes));
        t.row_losses[row] = loss;
        t.row_hits[row] = best[r] == label;
        scale[r] = share(row);
    }
    const Vec<T> p_scale = T(1) / total;
    for (Index c = 0; c < classes; ++c) {
        T* const e = scratch + c * lanes;
        store(e, (load(e) * p_scale - per_class) * scale);
        for (Index r = 0; r < n; ++r) d[(first + r) * classes + c] = e[r];
    }
    for (Index r = 0; r < n; ++r)
        d[(first + r) * classes + t.labels[t.rows[first + r]]] -= (1 - smoothing) * scale[r];
}

template <class T, Criterion C>
inline Vec<T> entry_loss(Vec<T> z, Vec<T> y, T delta) {
    const Vec<T> e = z - y;
    switch (C) {
        case Criterion::binary_cross_entropy:
            return maximum<T>(z, T(0)) - z * y +
                   log1p_of_fraction<T>(exp<T>(-absolute<T>(z)));
        case Criterion::mse: return e * e;
        case Criterion::mae: return absolute<T>(e);
        case Criterion::huber: {
            const Vec<T> size = absolute<T>(e), near = minimum<T>(size, delta);
            return near * (size - T(0.5) * near);
        }
        default: return e;
    }
}

template <class T, Criterion C>
inline Vec<T> entry_slope(Vec<T> z, Vec<T> y, T delta) {
    const Vec<T> e = z - y;
    const Vec<T> one = splat(T(1));
    switch (C) {
        case Criterion::binary_cross_entropy: return sigmoid<T>(z) - y;
        case Criterion::mse: return T(2) * e;
        case Criterion::mae: return e > T(0) ? one : (e < T(0) ? -one : e);
        case Criterion::huber: return maximum<T>(minimum<T>(e, delta), -delta);
        default: return e;
    }
}

template <class T, Criterion C>
inline T entries_row(const T* z, const T* y, Index outputs, T delta, T scale, T* d) {
    Vec<T> sums{};
    T rest = 0;
    for_each_vector<T>(0, outputs, [&](Index c, Index n) {
        const Vec<T> zv = load_some(z + c, n), yv = load_some(y + c, n);
        const Vec<T> losses = entry_loss<T, C>(zv, yv, delta);
        store_some(d + c, entry_slope<T, C>(zv, yv, delta) * scale, n);
        if (n == kLanes<T>) sums += losses;
        else
            for (Index i = 0; i < n; ++i) rest += losses[i];
    });
    for (int i = 0; i < kLanes<T>; ++i) rest += sums[i];
    return rest / T(outputs);
}

template <class T>
inline bool all_right(const T* z, const T* y, Index outputs) {
    bool right = true;
    for (Index c = 0; c < outputs; ++c) right = right && (z[c] > T(0)) == (y[c] > T(0.5));
    return right;
}

// Rows [first, last) of the batch: row_losses, row_hits, and d. `share` is each row's share of the
// batch: 1/N, or its weight over the sum of weights.
template <class T, class Share>
void loss_rows(const Training<T>& t, const T* z, Index outputs, Index first, Index last, T* d,
               T* scratch, Share share) {
    constexpr Index lanes = kLanes<T>;
    if (t.criterion == Criterion::softmax_cross_entropy) {
        for (Index r = first; r < last; r += lanes)
            softmax_rows(t, z, outputs, r, last - r < lanes ? last - r : lanes, share, d, scratch);
        return;
    }
    const T parameter = T(t.criterion_parameter);
    for (Index r = first; r < last; ++r) {
        const T* row = z + r * outputs;
        T* dr = d + r * outputs;
        const T* y = t.targets + t.rows[r] * outputs;
        const T scale = share(r) / T(outputs);
        T loss = 0;
        switch (t.criterion) {
            case Criterion::binary_cross_entropy:
                loss = entries_row<T, Criterion::binary_cross_entropy>(row, y, outputs, parameter,
                                                                       scale, dr);
                break;
            case Criterion::mse:
                loss = entries_row<T, Criterion::mse>(row, y, outputs, parameter, scale, dr);
                break;
            case Criterion::mae:
                loss = entries_row<T, Criterion::mae>(row, y, outputs, parameter, scale, dr);
                break;
            default:
                loss = entries_row<T, Criterion::huber>(row, y, outputs, parameter, scale, dr);
        }
        t.row_losses[r] = loss;
        t.row_hits[r] =
            t.criterion == Criterion::binary_cross_entropy && all_right(row, y, outputs);
    }
}

}  // namespace CHAINRULE_ISA
}  // namespace chainrule
