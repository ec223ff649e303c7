// X in other forms: without its zeros, or as pairs. Every array to be filled in has room for all
// that there may be.
#pragma once

#include "arrays.h"
#include "dispatch.h"

namespace chainrule {

template <class T>
const Kernels<T>& best_kernels() {
    return kernels_of<T>(*instruction_sets().front());
}

template <class T>
Index columns_of(const Array<const T>& X) {
    require(X.ndim() == 2, "X must be (rows, columns)");
    return Index(X.shape(1));
}

template <class T>
void count_nonzeros(Array<const T> X, Array<std::int64_t> counts) {
    const Index rows = size_of(counts), columns = columns_of(X);
    const T* x = data_of(X, rows * columns, "there is not one count for each row");
    nb::gil_scoped_release released;
    best_kernels<T>().count_nonzeros(x, rows, columns, counts.data());
}

template <class T>
void fill_nonzeros(Array<const T> X, Array<const std::int64_t> start, Array<std::int32_t> column,
                   Array<T> value) {
    const Index columns = columns_of(X), rows = size_of(start) - 1;
    const std::int64_t* starts = starts_of(start, size_of(column));
    const T* x = data_of(X, rows * columns, "there is not one start for each row");
    T* const values = data_of(value, size_of(column), "there is not one value for each column");
    nb::gil_scoped_release released;
    best_kernels<T>().fill_nonzeros(x, rows, columns, starts, column.data(), values);
}

// X as a NumPy array of T, as a NumPy array of bytes, or as the arrays of a CSR matrix.
template <class T>
using AnyRows = std::variant<Array<const T>, Array<const std::uint8_t>, SparseArrays<T>>;

// Where pairs are written: `start` is (rows + 1,), `seen` (rows, words), `pairs` bytes.
struct PairRoom {
    Array<std::int64_t> start;
    Array<std::uint64_t> seen;
    Array<std::uint8_t> pairs;
    Index rows = size_of(start) - 1;

    // For the pairs, at most so many of `itemsize` bytes, of (n, columns).
    void check(Index n, Index columns, Index most, std::size_t itemsize) const {
        require(rows >= 0 && n == rows && size_of(seen) == rows * words_of(columns),
                "there are not the right words for each row");
        require(std::size_t(most) <= pairs.size() / itemsize, "there is no room for all pairs");
    }
    static Index words_of(Index columns) { return (columns + 127) / 128; }
};

// X (rows, columns), if the pairs of `itemsize` bytes that it may have fit into the room.
template <class T>
Rows<T> rows_of(const AnyRows<T>& X, Index columns, const PairRoom& room, std::size_t itemsize) {
    Rows<T> rows;
    rows.columns = columns;
    const auto dense = [&](const auto& array) {
        const Index n = Index(array.shape(0));
        require(columns_of(array) == columns, "X has other columns");
        room.check(n, columns, n * ((columns + 1) / 2), itemsize);
        return data_of(array, n * columns, "");
    };
    if (const auto* values = std::get_if<0>(&X)) {
        rows.dense = dense(*values);
    } else if (const auto* bytes = std::get_if<1>(&X)) {
        rows.bytes = dense(*bytes);
    } else {
        const auto& csr = std::get<2>(X);
        rows.csr = csr_of<T>(csr, columns);
        room.check(size_of(std::get<0>(csr)) - 1, columns, size_of(std::get<1>(csr)), itemsize);
    }
    return rows;
}

template <class T>
void fill_pairs(const AnyRows<T>& X, Index columns, Array<std::int64_t> start,
                Array<std::uint64_t> seen, Array<std::uint8_t> pairs) {
    const PairRoom room{start, seen, pairs};
    const Rows<T> rows = rows_of<T>(X, columns, room, sizeof(Pair<T>));
    nb::gil_scoped_release released;
    best_kernels<T>().fill_pairs(rows, room.rows, room.words_of(columns), start.data(),
                                 seen.data(), reinterpret_cast<Pair<T>*>(pairs.data()));
}

template <class T>
bool fill_coded(const AnyRows<T>& X, Index columns, Array<std::int64_t> start,
                Array<std::uint64_t> seen, Array<std::uint8_t> pairs, Array<T> table) {
    const PairRoom room{start, seen, pairs};
    const Rows<T> rows = rows_of<T>(X, columns, room, sizeof(CodedPair));
    T* const values = data_of(table, kCodes, "the table has not one value for each code");
    nb::gil_scoped_release released;
    return best_kernels<T>().fill_coded(rows, room.rows, room.words_of(columns), start.data(),
                                        seen.data(), reinterpret_cast<CodedPair*>(pairs.data()),
                                        values);
}

}  // namespace chainrule
