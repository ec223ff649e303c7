// exp and its kin on vectors, to within a rounding or two of the exact values. NaN stays NaN.
#pragma once

#include "simd.h"

namespace chainrule {
namespace CHAINRULE_ISA {

template <class T>
struct ExpConstants;
template <>
struct ExpConstants<float> {
    static constexpr float low = -104.0f, high = 89.0f;  // beyond them exp is 0 or infinite
    static constexpr float round = 12582912.0f;          // 1.5 · 2²³: adding it rounds
    static constexpr float ln2_high = 0.693359375f, ln2_low = -2.12194440e-4f;
    static constexpr int degree = 7, mantissa = 23, bias = 127, series = 8;
};
template <>
struct ExpConstants<double> {
    static constexpr double low = -746.0, high = 710.0;
    static constexpr double round = 6755399441055744.0;  // 1.5 · 2⁵²
    static constexpr double ln2_high = 6.93147180369123816490e-01,
                            ln2_low = 1.90821492927058770002e-10;
    static constexpr int degree = 13, mantissa = 52, bias = 1023, series = 17;
};

template <class T>
inline Vec<T> minimum(Vec<T> x, T bound) { return x > bound ? splat(bound) : x; }

template <class T>
inline Vec<T> maximum(Vec<T> x, T bound) { return x < bound ? splat(bound) : x; }

template <class T>
inline Vec<T> absolute(Vec<T> x) { return x < T(0) ? -x : x; }

// 2ⁿ for whole numbers n, by way of the exponent's bits.
template <class T>
inline Vec<T> power_of_two(Vec<Int<T>> n) {
    using C = ExpConstants<T>;
    const Vec<Int<T>> bits = (n + Int<T>(C::bias)) << Int<T>(C::mantissa);
    Vec<T> result;
    std::memcpy(&result, &bits, sizeof result);
    return result;
}

// x = n ln 2 + r with |r| <= ln 2 / 2 (Cody & Waite 1980); returns eʳ − 1 by its series.
template <class T>
inline Vec<T> reduced_expm1(Vec<T> x, Vec<Int<T>>& n) {
    using C = ExpConstants<T>;
    const Vec<T> whole = (x * T(1.4426950408889634074) + C::round) - C::round;
    const Vec<T> r = multiply_add(whole, splat(-C::ln2_low),
                                  multiply_add(whole, splat(-C::ln2_high), x));
    n = __builtin_convertvector(whole, Vec<Int<T>>);
    Vec<T> sum = splat(T(1));
    for (int k = C::degree; k > 1; --k) sum = multiply_add(sum, r * T(1.0 / k), splat(T(1)));
    return sum * r;
}

template <class T>
inline Vec<T> exp(Vec<T> x) {
    using C = ExpConstants<T>;
    x = minimum<T>(maximum<T>(x, C::low), C::high);
    Vec<Int<T>> n;
    const Vec<T> p = reduced_expm1<T>(x, n) + T(1);
    const Vec<Int<T>> half = n >> Int<T>(1);  // 2ⁿ in two factors: n may be below the exponents
    return p * power_of_two<T>(half) * power_of_two<T>(n - half);
}

// eˣ − 1 for x <= 0, exact for small x too.
template <class T>
inline Vec<T> expm1_of_negative(Vec<T> x) {
    x = maximum<T>(x, T(-80));
    Vec<Int<T>> n;
    const Vec<T> p = reduced_expm1<T>(x, n);
    const Vec<T> scale = power_of_two<T>(n);
    return p * scale + (scale - T(1));
}

// log(1 + u) for u in [0, 1]: 2 artanh(s) with s = u / (2 + u), by its series.
template <class T>
inline Vec<T> log1p_of_fraction(Vec<T> u) {
    const Vec<T> s = u / (u + T(2)), square = s * s;
    Vec<T> sum = splat(T(1.0 / (2 * ExpConstants<T>::series + 1)));
    for (int k = ExpConstants<T>::series - 1; k >= 0; --k) sum = multiply_add(sum, square, splat(T(1.0 / (2 * k + 1))));
    return T(2) * s * sum;
}

template <class T>
inline Vec<T> sigmoid(Vec<T> x) {
    const Vec<T> e = exp<T>(-absolute<T>(x));
    return (x < T(0) ? e : splat(T(1))) / (e + T(1));
}

template <class T>
inline Vec<T> tanh(Vec<T> x) {
    const Vec<T> t = expm1_of_negative<T>(T(-2) * absolute<T>(x));
    const Vec<T> size = -t / (t + T(2));
    return x < T(0) ? -size : size;
}

template <class T>
inline Vec<T> softplus(Vec<T> x) {
    return maximum<T>(x, T(0)) + log1p_of_fraction<T>(exp<T>(-absolute<T>(x)));
}

// Φ(x) = erfc(−x/√2) / 2, with the approximations of Cody (1969) as in chainrule.nn.special.
template <class T, int N>
inline Vec<T> horner(const double (&coefficients)[N], Vec<T> x) {
    Vec<T> sum = splat(T(coefficients[0]));
    for (int i = 1; i < N; ++i) sum = multiply_add(sum, x, splat(T(coefficients[i])));
    return sum;
}

template <class T>
inline Vec<T> normal_cdf(Vec<T> x) {
    static constexpr double small_p[] = {1.85777706184603153e-1, 3.16112374387056560e0,
        1.13864154151050156e2, 3.77485237685302021e2, 3.20937758913846947e3};
    static constexpr double small_q[] = {1.0, 2.36012909523441209e1, 2.44024637934444173e2,
        1.28261652607737228e3, 2.84423683343917062e3};
    static constexpr double middle_p[] = {2.15311535474403846e-8, 5.64188496988670089e-1,
        8.88314979438837594e0, 6.61191906371416295e1, 2.98635138197400131e2,
        8.81952221241769090e2, 1.71204761263407058e3, 2.05107837782607147e3,
        1.23033935479799725e3};
    static constexpr double middle_q[] = {1.0, 1.57449261107098347e1, 1.17693950891312499e2,
        5.37181101862009858e2, 1.62138957456669019e3, 3.29079923573345963e3,
        4.36261909014324716e3, 3.43936767414372164e3, 1.23033935480374942e3};
    static constexpr double large_p[] = {1.63153871373020978e-2, 3.05326634961232344e-1,
        3.60344899949804439e-1, 1.25781726111229246e-1, 1.60837851487422766e-2,
        6.58749161529837803e-4};
    static constexpr double large_q[] = {1.0, 2.56852019228982242e0, 1.87295284992346725e0,
        5.27905102951428412e-1, 6.05183413124413191e-2, 2.33520497626869185e-3};
    const Vec<T> z = x * T(-0.70710678118654752440), size = absolute<T>(z), square = z * z;
    const Vec<T> near = T(1) - z * horner<T>(small_p, square) / horner<T>(small_q, square);
    const Vec<T> t = minimum<T>(maximum<T>(size, T(0.46875)), T(30)), inverse = T(1) / (t * t);
    const Vec<T> bell = exp<T>(-t * t);
    const Vec<T> middle = bell * horner<T>(middle_p, t) / horner<T>(middle_q, t);
    const Vec<T> far = bell / t * (T(5.6418958354775628695e-1) -
                                   inverse * horner<T>(large_p, inverse) /
                                       horner<T>(large_q, inverse));
    const Vec<T> tail = t > T(4) ? far : middle;
    const Vec<T> outer = z < T(0) ? T(2) - tail : tail;
    return T(0.5) * (size > T(0.46875) ? outer : near);
}

template <class T>
inline Vec<T> normal_pdf(Vec<T> x) {
    return exp<T>(x * x * T(-0.5)) * T(0.39894228040143267794);
}

}  // namespace CHAINRULE_ISA
}  // namespace chainrule
