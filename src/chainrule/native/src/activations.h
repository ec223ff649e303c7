// The activations of chainrule.nn, forward and derivative, over a thread's part of a tensor.
#pragma once

#include "functions.h"

namespace chainrule {
namespace CHAINRULE_ISA {

constexpr double kGeluScale = 0.79788456080286535588;  // √(2/π)
constexpr double kGeluCubic = 0.044715;

template <class T>
inline Vec<T> gelu_inner_tanh(Vec<T> x) {
    return tanh<T>(T(kGeluScale) * (x + T(kGeluCubic) * x * x * x));
}

template <class T, Function F>
inline Vec<T> value(Vec<T> x, T parameter) {
    switch (F) {
        case Function::relu: return x > T(0) ? x : (x == x ? Vec<T>{} : x);
        case Function::leaky_relu: return x > T(0) ? x : x * parameter;
        case Function::sigmoid: return sigmoid<T>(x);
        case Function::tanh: return tanh<T>(x);
        case Function::silu: return x * sigmoid<T>(x);
        case Function::gelu: return x * normal_cdf<T>(x);
        case Function::gelu_tanh: return T(0.5) * x * (T(1) + gelu_inner_tanh<T>(x));
        case Function::elu:
            return x > T(0) ? x : parameter * expm1_of_negative<T>(minimum<T>(x, T(0)));
        case Function::softplus: return softplus<T>(x);
    }
    return x;
}

// f′(x), of x or of y = f(x), whichever `needs_x` says is kept.
template <class T, Function F>
inline Vec<T> derivative(Vec<T> x, Vec<T> y, T parameter) {
    const Vec<T> one = splat(T(1));
    switch (F) {
        case Function::relu: return y > T(0) ? one : Vec<T>{};
        case Function::leaky_relu: return x > T(0) ? one : splat(parameter);
        case Function::sigmoid: return y * (T(1) - y);
        case Function::tanh: return T(1) - y * y;
        case Function::silu: {
            const Vec<T> s = sigmoid<T>(x);
            return s * (T(1) + x * (T(1) - s));
        }
        case Function::gelu: return normal_cdf<T>(x) + x * normal_pdf<T>(x);
        case Function::gelu_tanh: {
            const Vec<T> t = gelu_inner_tanh<T>(x);
            const Vec<T> du = T(kGeluScale) * (T(1) + T(3 * kGeluCubic) * x * x);
            return T(0.5) * (T(1) + t + x * (T(1) - t * t) * du);
        }
        case Function::elu: return x > T(0) ? one : parameter * exp<T>(minimum<T>(x, T(0)));
        case Function::softplus: return sigmoid<T>(x);
    }
    return one;
}

// f(start) for every run of entries of a part that lie one behind the other.
template <class F>
inline void for_each_run(Part part, Index width, F f) {
    if (part.c0 == 0 && part.c1 == width) return f(part.r0 * width, part.r1 * width);
    for (Index r = part.r0; r < part.r1; ++r) f(r * width + part.c0, r * width + part.c1);
}

template <class T, Function F>
void activate(const T* x, T* y, Part part, Index width, T parameter) {
    for_each_run(part, width, [&](Index begin, Index end) {
        for_each_vector<T>(begin, end, [&](Index i, Index n) {
            store_some(y + i, value<T, F>(load_some(x + i, n), parameter), n);
        });
    });
}

template <class T, Function F>
void times_derivative(T* d, const T* x, const T* y, Part part, Index width, T parameter) {
    for_each_run(part, width, [&](Index begin, Index end) {
        for_each_vector<T>(begin, end, [&](Index i, Index n) {
            const Vec<T> slope =
                derivative<T, F>(load_some(x + i, n), load_some(y + i, n), parameter);
            store_some(d + i, load_some(d + i, n) * slope, n);
        });
    });
}

// The function is known when the loop is compiled; this picks the loop.
template <class Call>
inline void with_function(Function f, Call call) {
    using F = Function;
    switch (f) {
        case F::relu: return call(std::integral_constant<F, F::relu>());
        case F::leaky_relu: return call(std::integral_constant<F, F::leaky_relu>());
        case F::sigmoid: return call(std::integral_constant<F, F::sigmoid>());
        case F::tanh: return call(std::integral_constant<F, F::tanh>());
        case F::silu: return call(std::integral_constant<F, F::silu>());
        case F::gelu: return call(std::integral_constant<F, F::gelu>());
        case F::gelu_tanh: return call(std::integral_constant<F, F::gelu_tanh>());
        case F::elu: return call(std::integral_constant<F, F::elu>());
        case F::softplus: return call(std::integral_constant<F, F::softplus>());
    }
}

template <class T>
void forward_activation(const Layer& layer, const T* x, T* y, Part part) {
    with_function(layer.function, [&](auto f) {
        activate<T, f.value>(x, y, part, layer.out, T(layer.parameter));
    });
}

template <class T>
void backward_activation(const Layer& layer, T* d, const T* x, const T* y, Part part) {
    with_function(layer.function, [&](auto f) {
        times_derivative<T, f.value>(d, x, y, part, layer.out, T(layer.parameter));
    });
}

template <class T>
void times(const T* x, const T* mask, T* y, Part part, Index width) {
    for_each_run(part, width, [&](Index begin, Index end) {
        for_each_vector<T>(begin, end, [&](Index i, Index n) {
            store_some(y + i, load_some(x + i, n) * load_some(mask + i, n), n);
        });
    });
}

}  // namespace CHAINRULE_ISA
}  // namespace chainrule
