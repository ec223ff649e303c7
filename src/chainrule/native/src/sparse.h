// The first layer on rows that are nearly all zeros, such as the words of a text (100 of 50,000):
// forward and gradient touch only the others. Forward sums up a row of z in registers; since a
// column is seldom in a batch, every value adds to dW, or to W itself, where it stands.
#pragma once

#include "simd.h"

namespace chainrule {
namespace CHAINRULE_ISA {

// f(integral_constant<int, N>, j, columns) over columns [c0, c1), N vectors at a time, the widest
// first: their sums stay in registers while the values go by.
template <class T, int Most, class F>
inline void for_each_block(Index c0, Index c1, F f) {
    constexpr Index lanes = kLanes<T>;
    Index j = c0;
    if (Most == 8)
        for (; c1 - j >= 8 * lanes; j += 8 * lanes)
            f(std::integral_constant<int, Most>(), j, 8 * lanes);
    for (; c1 - j >= 4 * lanes; j += 4 * lanes) f(std::integral_constant<int, 4>(), j, 4 * lanes);
    for (; c1 - j >= 2 * lanes; j += 2 * lanes) f(std::integral_constant<int, 2>(), j, 2 * lanes);
    for (; j < c1; j += lanes)
        f(std::integral_constant<int, 1>(), j, c1 - j < lanes ? c1 - j : lanes);
}

// N vectors of which the last may be short.
template <class T, int N>
struct Vectors {
    Vec<T> v[N];

    static Index last(Index columns) { return columns - (N - 1) * kLanes<T>; }

    static Vectors zeros() {
        Vectors x;
        for (int i = 0; i < N; ++i) x.v[i] = Vec<T>{};
        return x;
    }
    static Vectors from(const T* p, Index columns) {
        Vectors x;
        for (int i = 0; i < N - 1; ++i) x.v[i] = load(p + i * kLanes<T>);
        x.v[N - 1] = load_some(p + (N - 1) * kLanes<T>, last(columns));
        return x;
    }
    void to(T* p, Index columns) const {
        for (int i = 0; i < N - 1; ++i) store(p + i * kLanes<T>, v[i]);
        store_some(p + (N - 1) * kLanes<T>, v[N - 1], last(columns));
    }
    // this += a · p[…]
    void add(Vec<T> a, const T* p, Index columns) {
        for (int i = 0; i < N - 1; ++i) v[i] = multiply_add(a, load(p + i * kLanes<T>), v[i]);
        v[N - 1] =
            multiply_add(a, load_some(p + (N - 1) * kLanes<T>, last(columns)), v[N - 1]);
    }
    // this += a · x
    void add(Vec<T> a, const Vectors& x) {
        for (int i = 0; i < N; ++i) v[i] = multiply_add(a, x.v[i], v[i]);
    }
    // p[…] += a · this
    void add_to(T* p, Vec<T> a, Index columns) const {
        for (int i = 0; i < N - 1; ++i) {
            T* at = p + i * kLanes<T>;
            store(at, multiply_add(a, v[i], load(at)));
        }
        T* at = p + (N - 1) * kLanes<T>;
        const Index n = last(columns);
        store_some(at, multiply_add(a, v[N - 1], load_some(at, n)), n);
    }
};

// z = x W + b, row after row; `row_of(r)` is where row r of the batch is in the CSR.
template <class T, class RowOf>
void sparse_forward(const Csr<T>& x, RowOf row_of, const T* W, const T* b, Index width, T* z,
                    Part part) {
    for_each_block<T, 8>(part.c0, part.c1, [&](auto vectors, Index j, Index columns) {
        using V = Vectors<T, decltype(vectors)::value>;
        for (Index r = part.r0; r < part.r1; ++r) {
            V sums = b ? V::from(b + j, columns) : V::zeros();
            const std::int64_t row = row_of(r), end = x.start[row + 1];
            for (std::int64_t p = x.start[row]; p < end; ++p)
                sums.add(splat(x.value[p]), W + x.column[p] * width + j, columns);
            sums.to(z + r * width + j, columns);
        }
    });
}

// out[feature] += scale · x · dz, value after value; `out` is W or dW.
template <class T>
void scattered_gradient(const Csr<T>& x, const std::int64_t* rows, Index n_rows, const T* dz,
                        Index width, Part part, T scale, T* out) {
    for_each_block<T, 8>(part.c0, part.c1, [&](auto vectors, Index j, Index columns) {
        using V = Vectors<T, decltype(vectors)::value>;
        for (Index r = 0; r < n_rows; ++r) {
            const V d = V::from(dz + r * width + j, columns);
            const std::int64_t end = x.start[rows[r] + 1];
            for (std::int64_t p = x.start[rows[r]]; p < end; ++p)
                if (x.column[p] >= part.r0 && x.column[p] < part.r1)
                    d.add_to(out + x.column[p] * width + j, splat(scale * x.value[p]), columns);
        }
    });
}

template <class T>
void count_nonzeros(const T* X, Index rows, Index columns, std::int64_t* counts) {
    for (Index r = 0; r < rows; ++r) {
        std::int64_t count = 0;
        for (Index i = 0; i < columns; ++i) count += X[r * columns + i] != T(0);
        counts[r] = count;
    }
}

// Without a branch: every entry is written, and the next over it if it was a zero.
template <class T>
inline Index compress(const T* x, Index columns, Index room, std::int32_t* column, T* value) {
    Index k = 0;
    for (Index i = 0; i < columns && k < room; ++i) {
        column[k] = std::int32_t(i);
        value[k] = x[i];
        k += x[i] != T(0);
    }
    return k;
}

// Another thread may have written to X since the non-zeros were counted: where there are fewer now,
// zeros of the first column take the places that are left.
template <class T>
void fill_nonzeros(const T* X, Index rows, Index columns, const std::int64_t* start,
                   std::int32_t* column, T* value) {
    for (Index r = 0; r < rows; ++r) {
        const Index room = Index(start[r + 1] - start[r]);
        std::int32_t* const c = column + start[r];
        T* const v = value + start[r];
        for (Index k = compress(X + r * columns, columns, room, c, v); k < room; ++k) {
            c[k] = 0;
            v[k] = T(0);
        }
    }
}

}  // namespace CHAINRULE_ISA
}  // namespace chainrule
