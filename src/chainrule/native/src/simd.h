// Vectors as wide as the instruction set that this file is compiled for. Everything that is
// compiled more than once stands in a namespace of the instruction set's own, so that the linker
// cannot mix them up.
#pragma once

#include <cstdint>
#include <cstring>
#include <type_traits>

#if defined(__AVX2__)
#include <immintrin.h>
#elif defined(__ARM_NEON) && defined(__aarch64__)
#include <arm_neon.h>
#endif

#include "plan.h"

namespace chainrule {
namespace CHAINRULE_ISA {

#if defined(__AVX512F__)
constexpr int kBytes = 64;
#elif defined(__AVX2__)
constexpr int kBytes = 32;
#else
constexpr int kBytes = 16;
#endif

template <class T>
struct VecOf {
    typedef T type __attribute__((vector_size(kBytes)));
};
template <class T>
using Vec = typename VecOf<T>::type;

template <class T>
struct IntOf;
template <>
struct IntOf<float> {
    using type = std::int32_t;
};
template <>
struct IntOf<double> {
    using type = std::int64_t;
};
template <class T>
using Int = typename IntOf<T>::type;  // an integer as wide as T

template <class T>
constexpr int kLanes = kBytes / sizeof(T);

template <class T>
inline Vec<T> splat(T x) {
    return x - Vec<T>{};
}

// ab + c with one rounding where the processor can. The compiler is told not to do so on its own
// (-ffp-contract=off): it does in one loop and not in the next, and results would then depend on
// how the work is divided among threads.
#if defined(__AVX512F__)
inline Vec<float> multiply_add(Vec<float> a, Vec<float> b, Vec<float> c) {
    return (Vec<float>)_mm512_fmadd_ps((__m512)a, (__m512)b, (__m512)c);
}
inline Vec<double> multiply_add(Vec<double> a, Vec<double> b, Vec<double> c) {
    return (Vec<double>)_mm512_fmadd_pd((__m512d)a, (__m512d)b, (__m512d)c);
}
#elif defined(__AVX2__)
inline Vec<float> multiply_add(Vec<float> a, Vec<float> b, Vec<float> c) {
    return (Vec<float>)_mm256_fmadd_ps((__m256)a, (__m256)b, (__m256)c);
}
inline Vec<double> multiply_add(Vec<double> a, Vec<double> b, Vec<double> c) {
    return (Vec<double>)_mm256_fmadd_pd((__m256d)a, (__m256d)b, (__m256d)c);
}
#elif defined(__ARM_NEON) && defined(__aarch64__)
inline Vec<float> multiply_add(Vec<float> a, Vec<float> b, Vec<float> c) {
    return (Vec<float>)vfmaq_f32((float32x4_t)c, (float32x4_t)a, (float32x4_t)b);
}
inline Vec<double> multiply_add(Vec<double> a, Vec<double> b, Vec<double> c) {
    return (Vec<double>)vfmaq_f64((float64x2_t)c, (float64x2_t)a, (float64x2_t)b);
}
#else
template <class V>
inline V multiply_add(V a, V b, V c) { return a * b + c; }
#endif

template <class T>
inline Vec<T> load(const T* p) {
    Vec<T> v;
    std::memcpy(&v, p, sizeof v);
    return v;
}

template <class T>
inline void store(T* p, Vec<T> v) {
    std::memcpy(p, &v, sizeof v);
}

// The first n lanes; the rest are 0.
#if defined(__AVX512F__)
inline Vec<float> load(const float* p, Index n) {
    return (Vec<float>)_mm512_maskz_loadu_ps(__mmask16((1u << n) - 1), p);
}
inline Vec<double> load(const double* p, Index n) {
    return (Vec<double>)_mm512_maskz_loadu_pd(__mmask8((1u << n) - 1), p);
}
inline void store(float* p, Vec<float> v, Index n) {
    _mm512_mask_storeu_ps(p, __mmask16((1u << n) - 1), (__m512)v);
}
inline void store(double* p, Vec<double> v, Index n) {
    _mm512_mask_storeu_pd(p, __mmask8((1u << n) - 1), (__m512d)v);
}
#elif defined(__AVX2__)
inline __m256i mask32(Index n) {
    return _mm256_cmpgt_epi32(_mm256_set1_epi32(int(n)), _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7));
}
inline __m256i mask64(Index n) {
    return _mm256_cmpgt_epi64(_mm256_set1_epi64x(n), _mm256_setr_epi64x(0, 1, 2, 3));
}
inline Vec<float> load(const float* p, Index n) {
    return (Vec<float>)_mm256_maskload_ps(p, mask32(n));
}
inline Vec<double> load(const double* p, Index n) {
    return (Vec<double>)_mm256_maskload_pd(p, mask64(n));
}
inline void store(float* p, Vec<float> v, Index n) {
    _mm256_maskstore_ps(p, mask32(n), (__m256)v);
}
inline void store(double* p, Vec<double> v, Index n) {
    _mm256_maskstore_pd(p, mask64(n), (__m256d)v);
}
#else
template <class T>
inline Vec<T> load(const T* p, Index n) {
    Vec<T> v{};
    for (Index i = 0; i < n; ++i) v[i] = p[i];
    return v;
}
template <class T>
inline void store(T* p, Vec<T> v, Index n) {
    for (Index i = 0; i < n; ++i) p[i] = v[i];
}
#endif

// The empty statement is there for GCC, which takes a function that only prefetches for one that
// does nothing, and leaves its calls out.
inline void prefetch(const void* p) {
    __builtin_prefetch(p, 0, 2);
    asm volatile("");
}

// f(i, n) for whole vectors (n = lanes) and at last for what remains (n < lanes).
template <class T, class F>
inline void for_each_vector(Index begin, Index end, F f) {
    constexpr Index lanes = kLanes<T>;
    Index i = begin;
    for (; i + lanes <= end; i += lanes) f(i, lanes);
    if (i < end) f(i, end - i);
}

template <class T>
inline Vec<T> load_some(const T* p, Index n) {
    return n == kLanes<T> ? load(p) : load(p, n);
}

template <class T>
inline void store_some(T* p, Vec<T> v, Index n) {
    if (n == kLanes<T>) store(p, v);
    else store(p, v, n);
}

// The part of a (rows, width) tensor that one thread owns.
struct Part {
    Index r0, r1, c0, c1;
};

constexpr Index kColumns = 32;  // a thread's share of columns is at least so wide

inline Index share(Index n, Index unit, int thread, int threads) {
    const Index units = (n + unit - 1) / unit;
    const Index at = units * thread / threads * unit;
    return at < n ? at : n;
}

inline bool by_columns(Index width, int threads, Index least = kColumns) {
    return width >= least * threads;
}

// Columns where there are enough: each thread then reads and writes its own part of W.
inline Part part_of(Index rows, Index width, int thread, int threads, Index least = kColumns) {
    if (by_columns(width, threads, least))
        return {0, rows, share(width, 16, thread, threads), share(width, 16, thread + 1, threads)};
    return {share(rows, 1, thread, threads), share(rows, 1, thread + 1, threads), 0, width};
}

// Of W (in, out): where there are not enough columns, the rows of those inputs of which the thread
// has the gradient.
inline Part part_of_weights(Index in, Index out, int thread, int threads, Index least) {
    if (by_columns(out, threads, least) || !by_columns(in, threads, least))
        return part_of(in, out, thread, threads, least);
    return {share(in, 16, thread, threads), share(in, 16, thread + 1, threads), 0, out};
}

}  // namespace CHAINRULE_ISA
}  // namespace chainrule
