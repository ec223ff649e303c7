// Outputs of a network, from any number of threads at once.
#pragma once

#include <future>

#include "arrays.h"
#include "dispatch.h"

namespace chainrule {

template <class T>
class Predictor {
public:
    Predictor(const std::vector<LayerTuple>& layers, Array<const T> params,
              const std::string& isa, const BlasTuple& blas)
        : layers_(layers_of(layers, size_of(params))), params_(params),
          kernels_(kernels_of<T>(instruction_set(isa))) {
        net_.layers = layers_.data();
        net_.n_layers = int(layers_.size());
        net_.params = data_of(params_, size_of(params_), "");
        net_.blas = blas_of(blas);
        net_.deepest = in();
        for (const Layer& layer : layers_) net_.widest = std::max(net_.widest, layer.out);
        net_.deepest = std::max(net_.deepest, net_.widest);
    }

    bool first_is_linear() const { return layers_[0].kind == Kind::linear; }

    // False if X holds a NaN or an infinity.
    bool predict(Array<const T> X, Array<T> out, int threads) const {
        const Index rows = size_of(X) / in();
        const T* x = data_of(X, rows * in(), "X does not fill its rows");
        return run(x, Csr<T>{}, rows, output(out, rows), threads);
    }

    // Within one thread, which holds Python's lock: nobody may change the columns meanwhile.
    void predict_csr(const SparseArrays<T>& arrays, Array<T> out) const {
        require(first_is_linear(), "X must be dense for such a first layer");
        const Csr<T> csr = csr_of<T>(arrays, in());
        const Index rows = size_of(std::get<0>(arrays)) - 1;
        run(nullptr, csr, rows, output(out, rows), 1);
    }

private:
    Index in() const { return layers_[0].in; }

    T* output(const Array<T>& out, Index rows) const {
        return data_of(out, rows * layers_.back().out, "the outputs need another size");
    }

    bool run(const T* X, const Csr<T>& csr, Index rows, T* out, int threads) const {
        if (threads <= 1) return kernels_.predict(net_, X, csr, 0, rows, out);
        nb::gil_scoped_release released;
        const auto work = [&](int t) {
            return kernels_.predict(net_, X, csr, rows * t / threads, rows * (t + 1) / threads,
                                    out);
        };
        std::vector<std::future<bool>> others;  // they end before `work` does, whatever is thrown
        for (int t = 1; t < threads; ++t)
            others.push_back(std::async(std::launch::async, work, t));
        bool finite = work(0);
        for (std::future<bool>& other : others) finite &= other.get();
        return finite;
    }

    std::vector<Layer> layers_;
    Array<const T> params_;
    const Kernels<T>& kernels_;
    Inference<T> net_{};
};

}  // namespace chainrule
