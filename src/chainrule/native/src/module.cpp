// The Python face of the kernels: chainrule.native._kernels. Arrays come in checked by Python.
#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>
#include <nanobind/stl/optional.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/tuple.h>
#include <nanobind/stl/variant.h>
#include <nanobind/stl/vector.h>

#include <algorithm>
#include <memory>
#include <optional>
#include <thread>
#include <variant>

#include "buffers.h"
#include "dispatch.h"

namespace nb = nanobind;

namespace chainrule {
namespace {

template <class T>
using Array = nb::ndarray<T, nb::c_contig, nb::device::cpu>;
template <class T>
using SparseArrays = std::tuple<Array<const std::int64_t>, Array<const std::int32_t>, Array<const T>>;
using PairArrays = std::tuple<Array<const std::int64_t>, Array<const std::uint8_t>,
                              Array<const std::uint64_t>>;
using LayerTuple = std::tuple<int, Index, Index, Index, Index, int, double>;
using SegmentTuple = std::tuple<Index, Index, bool>;
using UpdateTuple = std::tuple<int, double, double, double, double, double, double>;
using BlasTuple = std::tuple<std::uintptr_t, std::uintptr_t, bool>;

std::vector<Layer> layers_of(const std::vector<LayerTuple>& tuples) {
    std::vector<Layer> layers;
    for (const auto& [kind, in, out, W, b, function, parameter] : tuples)
        layers.push_back({Kind(kind), in, out, W, b, Function(function), parameter});
    return layers;
}

Blas blas_of(const BlasTuple& tuple) {
    const auto& [sgemm, dgemm, wide] = tuple;
    return {reinterpret_cast<void*>(sgemm), reinterpret_cast<void*>(dgemm), wide};
}

template <class T>
Csr<T> csr_of(const SparseArrays<T>& arrays) {
    return {std::get<0>(arrays).data(), std::get<1>(arrays).data(), std::get<2>(arrays).data()};
}

template <class P>
PairRows<P> pairs_of(const PairArrays& arrays) {
    return {std::get<0>(arrays).data(), reinterpret_cast<const P*>(std::get<1>(arrays).data()),
            std::get<2>(arrays).data()};
}

// A fit: the network, the data and the memory of its steps, held for as long as it runs.
template <class T>
class Trainer {
public:
    Trainer(const std::vector<LayerTuple>& layers, const std::vector<SegmentTuple>& segments,
            const UpdateTuple& update, bool fused, int criterion, double criterion_parameter,
            Array<T> params, Array<T> grads, std::vector<Array<T>> moments,
            std::optional<Array<const T>> X, std::optional<SparseArrays<T>> csr,
            std::optional<PairArrays> pairs, std::optional<Array<const std::uint8_t>> bytes,
            std::optional<Array<const T>> table, std::optional<Array<const std::int64_t>> labels,
            std::optional<Array<const T>> targets, std::optional<Array<const T>> weights,
            Index batch_size, const std::string& isa, const BlasTuple& blas, int threads)
        : layers_(layers_of(layers)), params_(params), grads_(grads), moments_(moments), X_(X),
          csr_(csr), pairs_(pairs), bytes_(bytes), table_(table), labels_(labels),
          targets_(targets), weights_(weights),
          kernels_(kernels_of<T>(instruction_set(isa))), threads_(threads) {
        for (const auto& [begin, end, decayed] : segments)
            segments_.push_back({begin, end, decayed});
        t_.layers = layers_.data();
        t_.n_layers = int(layers_.size());
        while (layers_[t_.first_linear].kind != Kind::linear) ++t_.first_linear;
        t_.params = params_.data();
        t_.grads = grads_.data();
        for (std::size_t i = 0; i < moments_.size(); ++i) t_.moments[i] = moments_[i].data();
        t_.n_params = Index(params_.size());
        t_.segments = segments_.data();
        t_.n_segments = int(segments_.size());
        const auto& [rule, decay1, decay2, eps, l2, weight_decay, clip_norm] = update;
        t_.update = {Rule(rule), decay1, decay2, eps, l2, weight_decay, clip_norm};
        t_.fused = fused;
        t_.criterion = Criterion(criterion);
        t_.criterion_parameter = criterion_parameter;
        if (X_) t_.X = X_->data();
        if (csr_) t_.csr = csr_of<T>(*csr_);
        if (pairs_ && table_) t_.coded = pairs_of<CodedPair>(*pairs_);
        else if (pairs_) t_.pairs = pairs_of<Pair<T>>(*pairs_);
        if (bytes_) t_.bytes = bytes_->data();
        if (table_) t_.table = table_->data();
        if (labels_) t_.labels = labels_->data();
        if (targets_) t_.targets = targets_->data();
        if (weights_) t_.weights = weights_->data();
        t_.batch_size = batch_size;
        t_.blas = blas_of(blas);
        buffers_.allocate(t_, threads, pairs_ ? most_pairs() : 0);
    }

    // Threads live from open to close: they are not there when nothing is trained.
    void open() { team_ = std::make_unique<Team>(threads_); }
    void close() { team_.reset(); }

    std::tuple<Index, double, double, std::int64_t, std::int64_t> run(
        Array<const std::int64_t> order, Index first, Array<const double> lrs, std::int64_t step,
        bool keep_grads, int threads, std::optional<nb::capsule> random, double loss,
        double weight, std::int64_t hits, std::int64_t examples) {
        Request q;
        q.order = order.data();
        q.n_order = Index(order.size());
        q.first = first;
        q.steps = Index(lrs.size());
        q.lrs = lrs.data();
        q.step = step;
        q.keep_grads = keep_grads;
        q.random = random ? static_cast<BitGenerator*>(random->data()) : nullptr;
        q.loss = loss;
        q.weight = weight;
        q.hits = hits;
        q.examples = examples;
        {
            nb::gil_scoped_release released;
            Team alone(1);
            Team& team = team_ && threads > 1 ? *team_ : alone;
            team.run([&](int thread) { kernels_.train(t_, q, team, thread); });
        }
        return {q.done, q.loss, q.weight, q.hits, q.examples};
    }

private:
    // In a batch: those of its longest rows, but no more than there are.
    Index most_pairs() const {
        const std::int64_t* start = std::get<0>(*pairs_).data();
        const Index rows = Index(std::get<0>(*pairs_).size()) - 1;
        Index longest = 1;
        for (Index r = 0; r < rows; ++r)
            if (start[r + 1] - start[r] > longest) longest = Index(start[r + 1] - start[r]);
        return std::max(std::min(t_.batch_size * longest, Index(start[rows])), Index(1));
    }

    std::vector<Layer> layers_;
    std::vector<Segment> segments_;
    Array<T> params_, grads_;
    std::vector<Array<T>> moments_;
    std::optional<Array<const T>> X_;
    std::optional<SparseArrays<T>> csr_;
    std::optional<PairArrays> pairs_;
    std::optional<Array<const std::uint8_t>> bytes_;
    std::optional<Array<const T>> table_;
    std::optional<Array<const std::int64_t>> labels_;
    std::optional<Array<const T>> targets_, weights_;
    const Kernels<T>& kernels_;
    int threads_;
    Training<T> t_{};
    Buffers<T> buffers_;
    std::unique_ptr<Team> team_;
};

// Outputs of a network, from any number of threads at once.
template <class T>
class Predictor {
public:
    Predictor(const std::vector<LayerTuple>& layers, Array<const T> params,
              const std::string& isa, const BlasTuple& blas)
        : layers_(layers_of(layers)), params_(params),
          kernels_(kernels_of<T>(instruction_set(isa))) {
        net_.layers = layers_.data();
        net_.n_layers = int(layers_.size());
        net_.params = params_.data();
        net_.blas = blas_of(blas);
        net_.deepest = layers_[0].in;
        for (const Layer& layer : layers_)
            if (layer.out > net_.widest) net_.widest = layer.out;
        if (net_.widest > net_.deepest) net_.deepest = net_.widest;
    }

    bool first_is_linear() const { return layers_[0].kind == Kind::linear; }

    bool predict(Array<const T> X, Array<T> out, int threads) const {
        return run(X.data(), Csr<T>{}, Index(X.shape(0)), out.data(), threads);
    }

    bool predict_csr(const SparseArrays<T>& csr, Array<T> out, int threads) const {
        return run(nullptr, csr_of<T>(csr), Index(std::get<0>(csr).size()) - 1, out.data(),
                   threads);
    }

private:
    bool run(const T* X, Csr<T> csr, Index rows, T* out, int threads) const {
        if (threads == 1) return kernels_.predict(net_, X, csr, 0, rows, out);
        nb::gil_scoped_release released;
        std::vector<char> finite(std::size_t(threads), 1);
        auto work = [&](int t) {
            finite[std::size_t(t)] = kernels_.predict(net_, X, csr, rows * t / threads,
                                                      rows * (t + 1) / threads, out);
        };
        std::vector<std::thread> others;
        for (int t = 1; t < threads; ++t) others.emplace_back(work, t);
        work(0);
        for (std::thread& thread : others) thread.join();
        for (char ok : finite)
            if (!ok) return false;
        return true;
    }

    std::vector<Layer> layers_;
    Array<const T> params_;
    const Kernels<T>& kernels_;
    Inference<T> net_{};
};

template <class T>
void count_nonzeros(Array<const T> X, Array<std::int64_t> counts) {
    const Kernels<T>& kernels = kernels_of<T>(*instruction_sets().front());
    nb::gil_scoped_release released;
    kernels.count_nonzeros(X.data(), Index(X.shape(0)), Index(X.shape(1)), counts.data());
}

template <class T>
void fill_nonzeros(Array<const T> X, Array<const std::int64_t> start, Array<std::int32_t> column,
                   Array<T> value) {
    const Kernels<T>& kernels = kernels_of<T>(*instruction_sets().front());
    nb::gil_scoped_release released;
    kernels.fill_nonzeros(X.data(), Index(X.shape(0)), Index(X.shape(1)), start.data(),
                          column.data(), value.data());
}

// X as a NumPy array of T, as a NumPy array of bytes, or as the arrays of a CSR matrix.
template <class T>
using AnyRows = std::variant<Array<const T>, Array<const std::uint8_t>, SparseArrays<T>>;

template <class T>
Rows<T> rows_of(const AnyRows<T>& X) {
    Rows<T> rows;
    if (const auto* dense = std::get_if<0>(&X)) {
        rows.dense = dense->data();
        rows.columns = Index(dense->shape(1));
    } else if (const auto* bytes = std::get_if<1>(&X)) {
        rows.bytes = bytes->data();
        rows.columns = Index(bytes->shape(1));
    } else {
        rows.csr = csr_of<T>(std::get<2>(X));
    }
    return rows;
}

// `seen` is (rows, words); `pairs` has room for all that there may be.
template <class T>
void fill_pairs(const AnyRows<T>& X, Array<std::int64_t> start, Array<std::uint64_t> seen,
                Array<std::uint8_t> pairs) {
    const Kernels<T>& kernels = kernels_of<T>(*instruction_sets().front());
    nb::gil_scoped_release released;
    kernels.fill_pairs(rows_of<T>(X), Index(seen.shape(0)), Index(seen.shape(1)), start.data(),
                       seen.data(), reinterpret_cast<Pair<T>*>(pairs.data()));
}

template <class T>
bool fill_coded(const AnyRows<T>& X, Array<std::int64_t> start, Array<std::uint64_t> seen,
                Array<std::uint8_t> pairs, Array<T> table) {
    const Kernels<T>& kernels = kernels_of<T>(*instruction_sets().front());
    nb::gil_scoped_release released;
    return kernels.fill_coded(rows_of<T>(X), Index(seen.shape(0)), Index(seen.shape(1)),
                              start.data(), seen.data(),
                              reinterpret_cast<CodedPair*>(pairs.data()), table.data());
}

template <class T>
void bind(nb::module_& m, const char* trainer, const char* predictor) {
    using namespace nb::literals;
    nb::class_<Trainer<T>>(m, trainer)
        .def(nb::init<const std::vector<LayerTuple>&, const std::vector<SegmentTuple>&,
                      const UpdateTuple&, bool, int, double, Array<T>, Array<T>,
                      std::vector<Array<T>>, std::optional<Array<const T>>,
                      std::optional<SparseArrays<T>>, std::optional<PairArrays>,
                      std::optional<Array<const std::uint8_t>>, std::optional<Array<const T>>,
                      std::optional<Array<const std::int64_t>>,
                      std::optional<Array<const T>>, std::optional<Array<const T>>, Index,
                      const std::string&, const BlasTuple&, int>(),
             nb::kw_only(), "layers"_a, "segments"_a, "update"_a, "fused"_a, "criterion"_a,
             "criterion_parameter"_a, "params"_a, "grads"_a, "moments"_a, "X"_a.none(),
             "csr"_a.none(), "pairs"_a.none(), "bytes"_a.none(), "table"_a.none(),
             "labels"_a.none(), "targets"_a.none(), "weights"_a.none(),
             "batch_size"_a, "isa"_a, "blas"_a, "threads"_a)
        .def("open", &Trainer<T>::open)
        .def("close", &Trainer<T>::close)
        .def("run", &Trainer<T>::run, "order"_a, "first"_a, "lrs"_a, "step"_a, "keep_grads"_a,
             "threads"_a, "random"_a.none(), "loss"_a, "weight"_a, "hits"_a, "examples"_a);
    nb::class_<Predictor<T>>(m, predictor)
        .def(nb::init<const std::vector<LayerTuple>&, Array<const T>, const std::string&,
                      const BlasTuple&>())
        .def_prop_ro("first_is_linear", &Predictor<T>::first_is_linear)
        .def("predict", &Predictor<T>::predict)
        .def("predict_csr", &Predictor<T>::predict_csr);
    m.def("count_nonzeros", &count_nonzeros<T>);
    m.def("fill_nonzeros", &fill_nonzeros<T>);
    m.def("fill_pairs", &fill_pairs<T>);
    m.def("fill_coded", &fill_coded<T>);
}

}  // namespace
}  // namespace chainrule

NB_MODULE(_kernels, m) {
    m.doc() = "Training steps and outputs of networks, compiled; see src/ beside this file.";
    m.def("instruction_sets", [] {
        std::vector<std::string> names;
        for (const auto* set : chainrule::instruction_sets()) names.push_back(set->name);
        return names;
    });
    chainrule::bind<float>(m, "Trainer32", "Predictor32");
    chainrule::bind<double>(m, "Trainer64", "Predictor64");
}
