// A fit: the network, the data and the memory of its steps, held for as long as it runs.
#pragma once

#include <atomic>
#include <cstring>
#include <memory>
#include <optional>

#include "arrays.h"
#include "buffers.h"
#include "dispatch.h"

namespace chainrule {

// Only one thread at a time may use a trainer: its memory is that of one step.
class Busy {
public:
    explicit Busy(std::atomic<bool>& flag) : flag_(flag) {
        if (flag_.exchange(true)) throw std::runtime_error("another thread is using this engine");
    }
    ~Busy() { flag_ = false; }
    Busy(const Busy&) = delete;
    Busy& operator=(const Busy&) = delete;

private:
    std::atomic<bool>& flag_;
};

inline Index moments_of(Rule rule) {
    switch (rule) {
        case Rule::sgd: return 0;
        case Rule::momentum: case Rule::nesterov: case Rule::rmsprop: return 1;
        default: return 2;
    }
}

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
        : layers_(layers_of(layers, size_of(params))),
          segments_(segments_of(segments, size_of(params))), params_(params), grads_(grads),
          moments_(moments), X_(X), csr_(csr), pairs_(pairs), bytes_(bytes), table_(table),
          targets_(targets), kernels_(kernels_of<T>(instruction_set(isa))), threads_(threads) {
        t_.blas = blas_of(blas);
        set_network();
        set_update(update, fused);
        set_targets(criterion, criterion_parameter, labels);
        require(0 < batch_size && batch_size <= rows_, "a batch has at least 1 row, at most all");
        require(threads > 0, "threads must be at least 1");
        t_.batch_size = batch_size;
        set_X();
        set_weights(weights);
        buffers_.allocate(t_, threads, pairs_ ? most_pairs() : 0);
    }

    // Threads live from open to close: they are not there when nothing is trained.
    void open() {
        const Busy busy(busy_);
        team_ = std::make_unique<Team>(threads_);
    }
    void close() {
        const Busy busy(busy_);
        team_.reset();
    }

    std::tuple<Index, double, double, std::int64_t, std::int64_t> run(
        Array<const std::int64_t> order, Index first, Array<const double> lrs, std::int64_t step,
        bool keep_grads, int threads, std::optional<nb::capsule> random, double loss,
        double weight, std::int64_t hits, std::int64_t examples) {
        const Busy busy(busy_);
        set_steps(order, first, lrs);
        Request q;
        q.order = order_.data();
        q.n_order = Index(order_.size());
        q.steps = Index(lrs_.size());
        q.lrs = lrs_.data();
        q.step = step;
        q.keep_grads = keep_grads;
        q.random = generator_of(random);
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
    void set_network() {
        t_.layers = layers_.data();
        t_.n_layers = int(layers_.size());
        while (t_.first_linear < t_.n_layers && layer(t_.first_linear).kind != Kind::linear)
            ++t_.first_linear;
        require(t_.first_linear < t_.n_layers, "there is no linear layer to train");
        t_.n_params = size_of(params_);
        t_.params = data_of(params_, t_.n_params, "");
        t_.grads = data_of(grads_, t_.n_params, "there is not one gradient for each parameter");
        t_.segments = segments_.data();
        t_.n_segments = int(segments_.size());
    }

    void set_update(const UpdateTuple& update, bool fused) {
        const auto& [rule, decay1, decay2, eps, l2, weight_decay, clip_norm] = update;
        require(rule >= 0 && rule <= int(Rule::adam), "there is no such rule");
        t_.update = {Rule(rule), decay1, decay2, eps, l2, weight_decay, clip_norm};
        t_.fused = fused;
        require(Index(moments_.size()) == moments_of(Rule(rule)), "the rule has other moments");
        for (std::size_t i = 0; i < moments_.size(); ++i)
            t_.moments[i] = data_of(moments_[i], t_.n_params, "a moment has another size");
    }

    // Labels are copied: they are indices, and another thread may change those that were given.
    void set_targets(int criterion, double parameter,
                     const std::optional<Array<const std::int64_t>>& labels) {
        require(criterion >= 0 && criterion <= int(Criterion::huber), "there is no such loss");
        t_.criterion = Criterion(criterion);
        t_.criterion_parameter = parameter;
        const Index outputs = layers_.back().out;
        if (t_.criterion == Criterion::softmax_cross_entropy) {
            require(labels && !targets_, "this loss takes labels");
            labels_ = labels_of(*labels, outputs);
            t_.labels = labels_.data();
            rows_ = Index(labels_.size());
        } else {
            require(targets_ && !labels, "this loss takes targets");
            rows_ = size_of(*targets_) / outputs;
            t_.targets = data_of(*targets_, rows_ * outputs, "targets do not fill their rows");
        }
    }

    void set_X() {
        require(bool(X_) + bool(csr_) + bool(pairs_) + bool(bytes_) == 1, "X has one form");
        require(X_ || bytes_ || t_.first_linear == 0, "X must be dense for such a first layer");
        const char* const other = "X has another number of rows, or of columns";
        const Index in = layers_[0].in;
        if (table_) t_.table = data_of(*table_, kCodes, "the table has not one value for each code");
        require(table_ || !bytes_, "bytes need a table");
        if (X_) t_.X = data_of(*X_, rows_ * in, other);
        if (bytes_) t_.bytes = data_of(*bytes_, rows_ * in, other);
        if (csr_) t_.csr = csr_of<T>(*csr_, in);
        if (pairs_ && table_) t_.coded = pairs_of<CodedPair>(*pairs_, in);
        else if (pairs_) t_.pairs = pairs_of<Pair<T>>(*pairs_, in);
        if (csr_) require(size_of(std::get<0>(*csr_)) == rows_ + 1, other);
        if (pairs_) require(size_of(std::get<0>(*pairs_)) == rows_ + 1, other);
    }

    // Weights are copied: every thread adds them up, and all must find the same sum.
    void set_weights(const std::optional<Array<const T>>& weights) {
        if (!weights) return;
        const T* given = data_of(*weights, rows_, "there is not one weight for each row");
        weights_.assign(given, given + rows_);
        t_.weights = weights_.data();
    }

    // The examples of the steps, and their rates, copied.
    void set_steps(const Array<const std::int64_t>& order, Index first,
                   const Array<const double>& lrs) {
        const Index n = size_of(order), steps = size_of(lrs);
        const Index batches = (n + t_.batch_size - 1) / t_.batch_size;
        require(0 <= first && first <= batches && steps <= batches - first,
                "the order has not so many batches");
        const std::int64_t* given = data_of(order, n, "");
        const Index begin = std::min(first * t_.batch_size, n);
        const Index end = std::min(begin + steps * t_.batch_size, n);
        order_.assign(given + begin, given + end);
        for (const std::int64_t row : order_)
            require(0 <= row && row < rows_, "the order names a row that X does not have");
        const double* rates = data_of(lrs, steps, "");
        lrs_.assign(rates, rates + steps);
    }

    BitGenerator* generator_of(const std::optional<nb::capsule>& random) const {
        if (!random) {
            for (const Layer& layer : layers_)
                require(layer.kind != Kind::dropout, "dropout needs a generator");
            return nullptr;
        }
        require(random->name() && !std::strcmp(random->name(), "BitGenerator"),
                "random is no bit generator's capsule");
        return static_cast<BitGenerator*>(random->data());
    }

    // In a batch: those of its longest rows, but no more than there are. They, and the rows' places
    // in a tile, are counted in 32 bits.
    Index most_pairs() const {
        const std::int64_t* start = std::get<0>(*pairs_).data();
        Index longest = 1;
        for (Index r = 0; r < rows_; ++r) longest = std::max(longest, Index(start[r + 1] - start[r]));
        const Index most = std::min(t_.batch_size * longest, Index(start[rows_]));
        require(std::max(most, t_.batch_size * kTileEntries<T>) <= kMostEntries,
                "such batches are too large for pairs");
        return std::max(most, Index(1));
    }

    const Layer& layer(int i) const { return layers_[std::size_t(i)]; }

    std::vector<Layer> layers_;
    std::vector<Segment> segments_;
    Array<T> params_, grads_;
    std::vector<Array<T>> moments_;
    std::optional<Array<const T>> X_;
    std::optional<SparseArrays<T>> csr_;
    std::optional<PairArrays> pairs_;
    std::optional<Array<const std::uint8_t>> bytes_;
    std::optional<Array<const T>> table_, targets_;
    std::vector<std::int64_t> labels_, order_;
    std::vector<T> weights_;
    std::vector<double> lrs_;
    Index rows_ = 0;
    const Kernels<T>& kernels_;
    int threads_;
    Training<T> t_{};
    Buffers<T> buffers_;
    std::unique_ptr<Team> team_;
    std::atomic<bool> busy_{false};
};

}  // namespace chainrule
