// NumPy arrays as the kernels' records. A kernel trusts every size, offset and index that it is
// given, so none reaches it unchecked: what does not fit raises ValueError. Arrays of which the
// entries are indices or decide where a loop ends must not change while a kernel runs: those are
// copied, or were made by the engine.
#pragma once

#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>
#include <nanobind/stl/optional.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/tuple.h>
#include <nanobind/stl/variant.h>
#include <nanobind/stl/vector.h>

#include <algorithm>
#include <stdexcept>

#include "plan.h"

namespace chainrule {

namespace nb = nanobind;

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

inline void require(bool fits, const char* message) {
    if (!fits) throw std::invalid_argument(message);
}

template <class T>
inline Index size_of(const Array<T>& array) {
    return Index(array.size());
}

// The data of `size` numbers that may be read one by one.
template <class T>
T* data_of(const Array<T>& array, Index size, const char* message) {
    require(size_of(array) == size, message);
    require(reinterpret_cast<std::uintptr_t>(array.data()) % alignof(T) == 0,
            "an array is not aligned");
    return array.data();
}

// Whether [at, at + rows · columns) lies within [0, size).
inline bool lies_within(Index at, Index rows, Index columns, Index size) {
    return at >= 0 && at <= size && rows > 0 && columns > 0 && columns <= (size - at) / rows;
}

inline std::vector<Layer> layers_of(const std::vector<LayerTuple>& tuples, Index n_params) {
    std::vector<Layer> layers;
    require(!tuples.empty(), "there are no layers");
    for (const auto& [kind, in, out, W, b, function, parameter] : tuples) {
        require(kind >= 0 && kind <= int(Kind::dropout) && function >= 0 &&
                    function <= int(Function::softplus),
                "there is no such layer");
        require(in > 0 && out > 0 && (layers.empty() || in == layers.back().out),
                "the layers' widths do not fit");
        if (Kind(kind) == Kind::linear)
            require(lies_within(W, in, out, n_params) &&
                        (b == -1 || lies_within(b, 1, out, n_params)),
                    "a layer's parameters lie outside the vector");
        else
            require(in == out, "the layers' widths do not fit");
        layers.push_back({Kind(kind), in, out, W, b, Function(function), parameter});
    }
    return layers;
}

inline std::vector<Segment> segments_of(const std::vector<SegmentTuple>& tuples, Index n_params) {
    std::vector<Segment> segments;
    for (const auto& [begin, end, decayed] : tuples) {
        require(0 <= begin && begin <= end && end <= n_params,
                "a segment lies outside the vector");
        segments.push_back({begin, end, decayed});
    }
    return segments;
}

inline Blas blas_of(const BlasTuple& tuple) {
    const auto& [sgemm, dgemm, wide] = tuple;
    return {reinterpret_cast<void*>(sgemm), reinterpret_cast<void*>(dgemm), wide};
}

// Where each of the rows starts: from 0 up, to at most `size`.
inline const std::int64_t* starts_of(const Array<const std::int64_t>& array, Index size) {
    const Index rows = size_of(array) - 1;
    require(rows >= 0, "the rows have no starts");
    const std::int64_t* start = data_of(array, rows + 1, "");
    bool ascends = start[0] == 0 && start[rows] <= size;
    for (Index r = 0; r < rows; ++r) ascends &= start[r] <= start[r + 1];
    require(ascends, "the rows' starts do not ascend within their entries");
    return start;
}

template <class T>
Csr<T> csr_of(const SparseArrays<T>& arrays, Index columns) {
    const auto& [start, column, value] = arrays;
    const Index entries = size_of(column);
    const Csr<T> csr{starts_of(start, entries), data_of(column, entries, ""),
                     data_of(value, entries, "there is not one value for each column")};
    const std::uint32_t end = std::uint32_t(std::min(columns, Index(1) << 31));
    std::uint32_t outside = 0;  // negative ones are larger than all others
    for (Index p = 0; p < entries; ++p) outside |= std::uint32_t(csr.column[p]) >= end;
    require(!outside, "a column lies outside X");
    return csr;
}

template <class P>
PairRows<P> pairs_of(const PairArrays& arrays, Index columns) {
    const auto& [start, pairs, seen] = arrays;
    const Index words = ((columns + 1) / 2 + 63) / 64, rows = size_of(start) - 1;
    const PairRows<P> x{starts_of(start, size_of(pairs) / Index(sizeof(P))),
                        reinterpret_cast<const P*>(pairs.data()),
                        data_of(seen, rows * words, "there are not the right words for each row")};
    for (Index r = 0; r < rows; ++r) {
        Index count = 0;
        for (Index w = 0; w < words; ++w) count += __builtin_popcountll(x.seen[r * words + w]);
        require(count == x.start[r + 1] - x.start[r], "a row has not the pairs that it marks");
    }
    return x;
}

// Labels of the rows, a copy: each is an index into a row of the output.
inline std::vector<std::int64_t> labels_of(const Array<const std::int64_t>& array, Index classes) {
    const std::int64_t* given = data_of(array, size_of(array), "");
    std::vector<std::int64_t> labels(given, given + size_of(array));
    for (const std::int64_t label : labels)
        require(0 <= label && label < classes, "a label is not one of the classes");
    return labels;
}

}  // namespace chainrule
