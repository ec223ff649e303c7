// Matrix products: small ones here, in registers, large ones by BLAS.
#pragma once

#include "simd.h"

namespace chainrule {
namespace CHAINRULE_ISA {

// A matrix seen through strides: entry (i, j) is data[i * rs + j * cs]; so is its transpose.
template <class T>
struct Matrix {
    const T* data;
    Index rs, cs;
};

// What becomes of a product AB.
template <class T>
struct Result {
    T* data;
    Index stride;
    const T* bias;  // C = AB + bias, where there is one
    bool update;    // C += alpha AB instead
    T alpha;
};

constexpr int kPanel = 2;                 // vectors across a tile
constexpr int kTile = kBytes == 64 ? 12 : 6;  // rows of a tile: its sums fill the registers

// The sums of a tile, where they belong. Loops are unrolled so that the sums stay in registers.
template <class T, int M, int N, class Load, class Store>
inline void finish(Vec<T> (&sums)[M][N], const Result<T>& c, Index i, Index j, Load read,
                   Store write) {
    T* const first = c.data + i * c.stride + j;
    const Vec<T> alpha = splat(c.alpha);
#pragma GCC unroll 12
    for (int r = 0; r < M; ++r) {
#pragma GCC unroll 2
        for (int v = 0; v < N; ++v) {
            T* const out = first + r * c.stride + v * kLanes<T>;
            Vec<T> sum = sums[r][v];
            if (c.update) sum = multiply_add(alpha, sum, read(out, v));
            else if (c.bias) sum += read(c.bias + j + v * kLanes<T>, v);
            write(out, sum, v);
        }
    }
}

template <class T, int M, int N>
inline void tile(Index k, const T* a, Index rs, Index cs, const T* b, Index ldb,
                 const Result<T>& c, Index i, Index j, Index columns) {
    Vec<T> sums[M][N];
    for (int r = 0; r < M; ++r)
        for (int v = 0; v < N; ++v) sums[r][v] = Vec<T>{};
    for (Index p = 0; p < k; ++p) {
        Vec<T> row[N];
#pragma GCC unroll 2
        for (int v = 0; v < N; ++v) row[v] = load(b + p * ldb + v * kLanes<T>);
#pragma GCC unroll 12
        for (int r = 0; r < M; ++r) {
            const Vec<T> x = splat(a[r * rs + p * cs]);
#pragma GCC unroll 2
            for (int v = 0; v < N; ++v) sums[r][v] = multiply_add(x, row[v], sums[r][v]);
        }
    }
    if (columns == N * kLanes<T>) {
        finish<T>(sums, c, i, j, [](const T* p, int) { return load(p); },
                  [](T* p, Vec<T> x, int) { store(p, x); });
    } else {
        const auto lanes = [columns](int v) {
            const Index n = columns - v * kLanes<T>;
            return n < kLanes<T> ? n : kLanes<T>;
        };
        finish<T>(sums, c, i, j, [&](const T* p, int v) { return load_some(p, lanes(v)); },
                  [&](T* p, Vec<T> x, int v) { store_some(p, x, lanes(v)); });
    }
}

template <class T, int N>
inline void tiles(Index m, Index k, Matrix<T> A, const T* b, Index ldb, const Result<T>& c,
                  Index j, Index columns) {
    Index i = 0;
    for (; i + kTile <= m; i += kTile)
        tile<T, kTile, N>(k, A.data + i * A.rs, A.rs, A.cs, b, ldb, c, i, j, columns);
    for (; i + 4 <= m; i += 4)
        tile<T, 4, N>(k, A.data + i * A.rs, A.rs, A.cs, b, ldb, c, i, j, columns);
    for (; i < m; ++i) tile<T, 1, N>(k, A.data + i * A.rs, A.rs, A.cs, b, ldb, c, i, j, columns);
}

// Columns [j, j + columns) of B, row by row, one behind the other, filled up with zeros.
template <class T>
inline void pack(Matrix<T> B, Index k, Index j, Index columns, Index width, T* panel) {
    for (Index p = 0; p < k; ++p) {
        const T* row = B.data + p * B.rs + j * B.cs;
        T* out = panel + p * width;
        for (Index v = 0; v < columns; ++v) out[v] = row[v * B.cs];
        for (Index v = columns; v < width; ++v) out[v] = 0;
    }
}

// C = AB, A (m, k), B (k, n). `scratch` holds k rows of a panel.
template <class T>
void small_product(Index m, Index k, Index n, Matrix<T> A, Matrix<T> B, Result<T> c, T* scratch) {
    constexpr Index lanes = kLanes<T>;
    for (Index j = 0; j < n; j += kPanel * lanes) {
        const Index columns = n - j < kPanel * lanes ? n - j : kPanel * lanes;
        const int vectors = columns > lanes ? 2 : 1;
        const bool ready = B.cs == 1 && columns == vectors * lanes && (m <= kTile || B.rs <= 512);
        const T* b = B.data + j;
        Index ldb = B.rs;
        if (!ready) {
            ldb = vectors * lanes;
            pack(B, k, j, columns, ldb, scratch);
            b = scratch;
        }
        if (vectors == 2) tiles<T, 2>(m, k, A, b, ldb, c, j, columns);
        else tiles<T, 1>(m, k, A, b, ldb, c, j, columns);
    }
}

template <class T>
inline void* gemm_of(const Blas& blas) {
    return sizeof(T) == 4 ? blas.sgemm : blas.dgemm;
}

// The distance between rows as BLAS wants it: at least their length, also where there is one row.
template <class T>
inline Index leading(Matrix<T> A, Index rows, Index columns) {
    const Index stride = A.cs != 1 ? A.cs : A.rs, length = A.cs != 1 ? rows : columns;
    return stride > length ? stride : length;
}

// cblas_?gemm, row-major (101), transposed (112) or not (111).
template <class T, class I>
inline void call_blas(void* gemm, Index m, Index k, Index n, Matrix<T> A, Matrix<T> B, T alpha,
                      T beta, T* C, Index ldc) {
    using Gemm = void (*)(int, int, int, I, I, I, T, const T*, I, const T*, I, T, T*, I);
    const bool flip_a = A.cs != 1, flip_b = B.cs != 1;
    reinterpret_cast<Gemm>(gemm)(101, flip_a ? 112 : 111, flip_b ? 112 : 111, I(m), I(n), I(k),
                                 alpha, A.data, I(leading(A, m, k)), B.data, I(leading(B, k, n)),
                                 beta, C, I(ldc));
}

constexpr double kLarge = 4e6;  // flops from which on BLAS is the faster one
constexpr Index kColumnsOfBlas = 128;  // with fewer, it is faster on a thread's share of the rows

template <class T>
void product(const Blas& blas, Index m, Index k, Index n, Matrix<T> A, Matrix<T> B, Result<T> c,
             T* scratch) {
    if (m <= 0 || n <= 0) return;
    void* gemm = gemm_of<T>(blas);
    if (!gemm || 2.0 * m * k * n < kLarge) return small_product(m, k, n, A, B, c, scratch);
    if (c.bias)
        for (Index i = 0; i < m; ++i) std::memcpy(c.data + i * c.stride, c.bias, n * sizeof(T));
    const T alpha = c.update ? c.alpha : T(1), beta = c.update || c.bias ? T(1) : T(0);
    if (blas.wide)
        call_blas<T, std::int64_t>(gemm, m, k, n, A, B, alpha, beta, c.data, c.stride);
    else
        call_blas<T, std::int32_t>(gemm, m, k, n, A, B, alpha, beta, c.data, c.stride);
}

}  // namespace CHAINRULE_ISA
}  // namespace chainrule
