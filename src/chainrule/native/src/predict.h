// Outputs for rows of X, a chunk at a time so that activations stay in the cache.
#pragma once

#include <cstdlib>
#include <memory>
#include <new>

#include "activations.h"
#include "gemm.h"
#include "sparse.h"

namespace chainrule {
namespace CHAINRULE_ISA {

constexpr Index kChunkBytes = 1 << 18;
constexpr double kSparse = 0.4;  // density up to which rows are worth compressing
constexpr Index kWide = 64;      // columns from which on they may be

template <class T>
inline bool all_finite(const T* x, Index n) {
    Vec<T> sum{};
    T rest = 0;
    for_each_vector<T>(0, n, [&](Index i, Index lanes) {
        const Vec<T> v = load_some(x + i, lanes);
        sum += v - v;  // 0, or NaN
    });
    for (int i = 0; i < kLanes<T>; ++i) rest += sum[i];
    return rest == T(0);
}

struct Freed {
    void operator()(void* p) const { std::free(p); }
};

template <class T>
std::unique_ptr<T[], Freed> room(Index n) {
    T* const p = static_cast<T*>(std::malloc(std::size_t(n) * sizeof(T)));
    if (!p) throw std::bad_alloc();
    return std::unique_ptr<T[], Freed>(p);
}

template <class T>
class Predictor {
public:
    Predictor(const Inference<T>& net, Index rows)
        : net_(net), in_(net.layers[0].in), rows_(chunk_rows(net, rows)),
          one_(room<T>(rows_ * net.widest)), other_(room<T>(rows_ * net.widest)),
          scratch_(room<T>(net.deepest * kPanel * kLanes<T>)) {
        if (!first_is_linear() || in_ < kWide) return;
        start_ = room<std::int64_t>(rows_ + 1);
        column_ = room<std::int32_t>(rows_ * in_ + 1);
        value_ = room<T>(rows_ * in_ + 1);
    }

    bool run(const T* X, const Csr<T>& csr, Index first, Index last, T* out) {
        const Index width = net_.layers[net_.n_layers - 1].out;
        for (Index at = first; at < last; at += rows_) {
            const Index n = last - at < rows_ ? last - at : rows_;
            const T* x = X ? X + at * in_ : nullptr;
            if (x && !all_finite(x, n * in_)) return false;
            chunk(x, csr, at, n, out + at * width);
        }
        return true;
    }

private:
    static Index chunk_rows(const Inference<T>& net, Index rows) {
        const Index fit = kChunkBytes / (net.widest * Index(sizeof(T)));
        const Index wanted = fit < 16 ? 16 : fit;
        return rows < wanted ? rows : wanted;
    }

    bool first_is_linear() const { return net_.layers[0].kind == Kind::linear; }

    void chunk(const T* x, const Csr<T>& csr, Index at, Index n, T* out) {
        int i = 0;
        if (csr.start) {
            first_layer(csr, at, n, target(0, out));
            i = 1;
        } else if (start_ && compressed(x, n)) {
            first_layer({start_.get(), column_.get(), value_.get()}, 0, n, target(0, out));
            i = 1;
        }
        if (i) x = target(0, out);
        for (; i < net_.n_layers; ++i) {
            T* const y = target(i, out);
            layer(net_.layers[i], x, y, n);
            x = y;
        }
    }

    T* target(int i, T* out) {
        return i == net_.n_layers - 1 ? out : (i % 2 ? other_ : one_).get();
    }

    // Whether the rows are sparse; then they are in start_, column_, value_.
    bool compressed(const T* x, Index n) {
        start_[0] = 0;
        for (Index r = 0; r < n; ++r) {
            const std::int64_t at = start_[r];
            start_[r + 1] = at + compress(x + r * in_, in_, in_, column_.get() + at,
                                          value_.get() + at);
            if (double(start_[r + 1]) > kSparse * double(in_) * double(r + 1)) return false;
        }
        return true;
    }

    void first_layer(const Csr<T>& csr, Index at, Index n, T* z) {
        const Layer& layer = net_.layers[0];
        sparse_forward(csr, [at](Index r) { return at + r; }, net_.params + layer.W, bias(layer),
                       layer.out, z, Part{0, n, 0, layer.out});
    }

    const T* bias(const Layer& layer) const {
        return layer.b < 0 ? nullptr : net_.params + layer.b;
    }

    void layer(const Layer& layer, const T* x, T* y, Index n) {
        if (layer.kind == Kind::linear)
            product(net_.blas, n, layer.in, layer.out, Matrix<T>{x, layer.in, 1},
                    Matrix<T>{net_.params + layer.W, layer.out, 1},
                    Result<T>{y, layer.out, bias(layer), false, T(0)}, scratch_.get());
        else if (layer.kind == Kind::activation)
            forward_activation(layer, x, y, Part{0, n, 0, layer.out});
        else
            std::memcpy(y, x, std::size_t(n * layer.out) * sizeof(T));
    }

    const Inference<T>& net_;
    const Index in_, rows_;
    std::unique_ptr<T[], Freed> one_, other_, scratch_;
    std::unique_ptr<std::int64_t[], Freed> start_;
    std::unique_ptr<std::int32_t[], Freed> column_;
    std::unique_ptr<T[], Freed> value_;
};

}  // namespace CHAINRULE_ISA
}  // namespace chainrule
