// Memory of a training: everything a step writes into, allocated once, on cache lines.
#pragma once

#include <cstring>
#include <new>
#include <vector>

#include "plan.h"

namespace chainrule {

template <class T>
class Buffer {
public:
    Buffer() = default;
    explicit Buffer(Index size)
        : data_(static_cast<T*>(::operator new(std::size_t(size) * sizeof(T) + 64, kLine))) {
        std::memset(static_cast<void*>(data_), 0, std::size_t(size) * sizeof(T));
    }
    ~Buffer() {
        if (data_) ::operator delete(data_, kLine);
    }
    Buffer(Buffer&& other) noexcept : data_(other.data_) { other.data_ = nullptr; }
    Buffer(const Buffer&) = delete;
    Buffer& operator=(const Buffer&) = delete;
    Buffer& operator=(Buffer&& other) noexcept {
        std::swap(data_, other.data_);
        return *this;
    }
    T* get() const { return data_; }

private:
    static constexpr std::align_val_t kLine{64};
    T* data_ = nullptr;
};

// Of a row, with the widest vectors there are.
template <class T>
constexpr Index kPanelEntries = 2 * 64 / sizeof(T);
template <class T>
constexpr Index kTileEntries = 8 * 64 / sizeof(T);

template <class T>
class Buffers {
public:
    // Sets the pointers of `t`; its layers, batch_size and X must be there. Of X, a batch has at most
    // `most_pairs`; 0 where X has none.
    void allocate(Training<T>& t, int threads, Index most_pairs) {
        activations(t);
        Index deepest = t.batch_size;
        for (int i = 0; i < t.n_layers; ++i) {
            if (t.layers[i].in > deepest) deepest = t.layers[i].in;
            if (t.layers[i].out > deepest) deepest = t.layers[i].out;
        }
        for (int thread = 0; thread < threads; ++thread) {
            scratch_.push_back(own(kept_, deepest * kPanelEntries<T>));
            panels_.push_back(own(kept_, most_pairs ? t.layers[0].in * t.layers[0].out : 0));
            tiles_.push_back(own(kept_, most_pairs ? t.batch_size * kTileEntries<T> : 0));
            columns_.push_back(
                column_memory(t.batch_size, most_pairs ? (t.layers[0].in + 1) / 2 : 0));
        }
        for (Entry<T>*& entries : t.entries) entries = own(entries_, most_pairs);
        t.row_losses = own(kept_, t.batch_size);
        t.row_hits = own(hits_, t.batch_size);
        t.norms = own(norms_, t.n_params / kNormBlock + 1);
        t.inputs = inputs_.data();
        t.gradients = gradients_.data();
        t.masks = masks_.data();
        t.scratch = scratch_.data();
        t.columns = columns_.data();
        t.claimed = claimed_;
        t.panels = panels_.data();
        t.tiles = tiles_.data();
    }

private:
    void activations(Training<T>& t) {
        inputs_.push_back(t.X || t.bytes ? own(kept_, t.batch_size * t.layers[0].in) : nullptr);
        for (int i = 0; i < t.n_layers; ++i) {
            const Layer& layer = t.layers[i];
            const Index size = t.batch_size * layer.out;
            const bool after_linear = i > 0 && t.layers[i - 1].kind == Kind::linear;
            const bool idle = layer.kind == Kind::dropout && layer.parameter == 0;
            // The sum z in front of an activation is overwritten where nobody needs it again.
            const bool in_place = layer.kind == Kind::activation && after_linear &&
                                  !needs_x(layer.function);
            inputs_.push_back(idle || in_place ? inputs_.back() : own(kept_, size));
            gradients_.push_back(layer.kind == Kind::linear ? own(kept_, size) : nullptr);
            masks_.push_back(layer.kind == Kind::dropout ? own(kept_, size) : nullptr);
        }
    }

    ColumnMemory column_memory(Index rows, Index columns) {
        const Index row_words = (rows + 63) / 64, column_words = (columns + 63) / 64;
        return {{own(bits_, row_words * columns), own(bits_, row_words * columns)},
                {own(counts_, columns + 1), own(counts_, columns + 1)},
                own(counts_, column_words * rows),
                own(pointers_, rows)};
    }

    template <class U>
    static U* own(std::vector<Buffer<U>>& owner, Index size) {
        owner.emplace_back(size);
        return owner.back().get();
    }

    std::vector<Buffer<T>> kept_;
    std::vector<Buffer<std::int32_t>> counts_;
    std::vector<Buffer<std::uint64_t>> bits_;
    std::vector<Buffer<const void*>> pointers_;
    std::vector<Buffer<Entry<T>>> entries_;
    std::atomic<Index> claimed_[2] = {};
    std::vector<Buffer<std::uint8_t>> hits_;
    std::vector<Buffer<double>> norms_;
    std::vector<T*> inputs_, gradients_, masks_, scratch_, panels_, tiles_;
    std::vector<ColumnMemory> columns_;
};

}  // namespace chainrule
