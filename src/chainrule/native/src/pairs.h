// The first layer on rows of which a good part is not zero, such as images.
//
// A batch is first put into the order of its columns: then rows of W, or of dW, stay in registers
// while the rows of z, or of dz, that they meet lie in the nearest cache. Columns go two by two,
// since beside a pixel that is not zero there mostly is another one: they share their look at z.
#pragma once

#include "sparse.h"

namespace chainrule {
namespace CHAINRULE_ISA {

// What a pair's members stand for: themselves, or a place in a table.
template <class T>
inline T value_of(T value, const T*) {
    return value;
}
template <class T>
inline T value_of(std::uint8_t code, const T* table) {
    return table[code];
}

// --- a batch in the order of its columns --------------------------------------------------------

// Pairs in the rows [r0, r1) of the batch, counted by their columns.
template <class P>
void count_columns(const PairRows<P>& x, const std::int64_t* rows, Index r0, Index r1,
                   Index columns, std::int32_t* counts) {
    std::memset(counts, 0, std::size_t(columns) * sizeof(std::int32_t));
    for (Index r = r0; r < r1; ++r)
        for (std::int64_t p = x.start[rows[r]], end = x.start[rows[r] + 1]; p < end; ++p)
            ++counts[x.pairs[p].at];
}

// Where the entries of each column begin, and this thread's among them: those of the threads before
// it, which have the rows before, come first.
inline void place_columns(const Places* places, int thread, int threads, Index columns) {
    const Places& own = places[thread];
    std::int32_t at = 0;
    for (Index i = 0; i < columns; ++i) {
        own.begin[i] = at;
        for (int t = 0; t < threads; ++t) {
            if (t == thread) own.next[i] = at;
            at += places[t].counts[i];
        }
    }
    own.begin[columns] = at;
}

constexpr int kPairVectors = 4;  // of either column: two sets of sums fit into 16 registers

// Rows of z lie a power of two apart, so that some of their columns would share a few sets of the
// first cache: a tile has them one behind the other.
template <class T>
constexpr Index kTileWidth = kPairVectors * kLanes<T>;

// Rows [r0, r1) put into their places.
template <class T, class P>
void scatter(const PairRows<P>& x, const T* table, const std::int64_t* rows, Index r0, Index r1,
             std::int32_t* next, Entry<T>* entries) {
    for (Index r = r0; r < r1; ++r)
        for (std::int64_t p = x.start[rows[r]], end = x.start[rows[r] + 1]; p < end; ++p) {
            const P& pair = x.pairs[p];
            entries[next[pair.at]++] = {value_of(pair.first, table), value_of(pair.second, table),
                                        std::int32_t(r)};
        }
}

// Entries [begin, end) of two columns.
template <class T>
struct Entries {
    const Entry<T>* begin;
    const Entry<T>* end;
};

// z = x W + b; `entries_of(i)` gives those of columns 2i and 2i + 1 that are this thread's.
template <class T, class EntriesOf>
void pairs_forward(Index in, EntriesOf entries_of, const T* W, Index stride, const T* b,
                   Index width, T* z, T* const scratch, Part part) {
    for_each_block<T, kPairVectors>(part.c0, part.c1, [&](auto vectors, Index j, Index columns) {
        using V = Vectors<T, decltype(vectors)::value>;
        T* const tile = scratch;  // a copy of its own, so that it stays in a register
        const V bias = b ? V::from(b + j, columns) : V::zeros();
        for (Index r = part.r0; r < part.r1; ++r) bias.to(tile + r * kTileWidth<T>, columns);
        for (Index i = 0; i < in; i += 2) {
            const Entries<T> entries = entries_of(i / 2);
            if (entries.begin == entries.end) continue;
            const T* w = W + i * stride + j;
            const V first = V::from(w, columns);
            const V second = V::from(i + 1 < in ? w + stride : w, columns);
            for (const Entry<T>* e = entries.begin; e < entries.end; ++e) {
                T* const row = tile + e->row * kTileWidth<T>;
                V sums = V::from(row, columns);
                sums.add(splat(e->first), first);
                sums.add(splat(e->second), second);
                sums.to(row, columns);
            }
        }
        for (Index r = part.r0; r < part.r1; ++r)
            V::from(tile + r * kTileWidth<T>, columns).to(z + r * width + j, columns);
    });
}

// dW = xᵀ dz for the pairs of columns [i0, i1). `finish(column of x, j, touched, sum, columns)`
// takes each row of dW; one that is not touched is 0.
template <class T, class EntriesOf, class Finish>
void pairs_gradient(Index in, Index i0, Index i1, EntriesOf entries_of, const T* dz, Index width,
                    Index c0, Index c1, Finish finish) {
    for_each_block<T, kPairVectors>(c0, c1, [&](auto vectors, Index j, Index columns) {
        using V = Vectors<T, decltype(vectors)::value>;
        const T* const dy = dz + j;
        for (Index i = i0; i < i1; ++i) {
            const Entries<T> entries = entries_of(i);
            V first = V::zeros(), second = V::zeros();
            for (const Entry<T>* e = entries.begin; e < entries.end; ++e) {
                const V d = V::from(dy + e->row * width, columns);
                first.add(splat(e->first), d);
                second.add(splat(e->second), d);
            }
            const bool touched = entries.begin != entries.end;
            finish(2 * i, j, touched, first, columns);
            if (2 * i + 1 < in) finish(2 * i + 1, j, touched, second, columns);
        }
    });
}

// --- from other forms of X ----------------------------------------------------------------------

// Whether two values are not both 0, looked at as one number.
inline bool any(const float* x) {
    std::uint64_t bits;
    std::memcpy(&bits, x, sizeof bits);
    return bits != 0;
}
inline bool any(const std::uint8_t* x) {
    std::uint16_t bits;
    std::memcpy(&bits, x, sizeof bits);
    return bits != 0;
}
inline bool any(const double* x) { return x[0] != 0 || x[1] != 0; }

// f(i, first, second) for columns 2i and 2i + 1 of a dense row where they are not both zero.
template <class V, class F>
inline void pairs_of_row(const V* x, Index columns, F f) {
    constexpr Index few = 8;  // of which mostly none or all are zero
    for (Index i = 0; i + 1 < columns; i += few) {
        const Index end = i + few < columns ? i + few : columns;
        bool some = false;
        for (Index j = i; j + 1 < end; j += 2) some |= any(x + j);
        if (some)
            for (Index j = i; j + 1 < end; j += 2)
                if (any(x + j)) f(j / 2, x[j], x[j + 1]);
    }
    if (columns % 2 && x[columns - 1] != V(0)) f(columns / 2, x[columns - 1], V(0));
}

// How many there are, without a branch.
template <class T>
inline std::int64_t pairs_in_row(const T* x, Index columns) {
    std::int64_t count = columns % 2 && x[columns - 1] != T(0);
    for (Index i = 0; i + 1 < columns; i += 2) count += any(x + i);
    return count;
}

// The same for entries [p, end) of a sparse one.
template <class T, class F>
inline void pairs_of_row(const Csr<T>& x, std::int64_t p, std::int64_t end, F f) {
    while (p < end) {
        const std::int32_t i = x.column[p] / 2;
        T values[2] = {T(0), T(0)};
        for (; p < end && x.column[p] / 2 == i; ++p) values[x.column[p] % 2] = x.value[p];
        f(i, values[0], values[1]);
    }
}

template <class T, class F>
inline void pairs_of(const Rows<T>& x, Index r, F f) {
    if (x.csr.start) pairs_of_row(x.csr, x.csr.start[r], x.csr.start[r + 1], f);
    else if (x.bytes) pairs_of_row(x.bytes + r * x.columns, x.columns, f);
    else pairs_of_row(x.dense + r * x.columns, x.columns, f);
}

template <class T>
void count_pairs(const Rows<T>& x, Index rows, std::int64_t* counts) {
    for (Index r = 0; r < rows; ++r) {
        std::int64_t count = 0;
        if (x.dense) count = pairs_in_row(x.dense + r * x.columns, x.columns);
        else pairs_of(x, r, [&](auto...) { ++count; });
        counts[r] = count;
    }
}

template <class T>
void fill_pairs(const Rows<T>& x, Index rows, PlainPair<T>* pairs) {
    for (Index r = 0; r < rows; ++r)
        pairs_of(x, r, [&](Index i, auto first, auto second) {
            *pairs++ = {T(first), T(second), std::int32_t(i)};
        });
}

// Codes of values by their bits: a hash table so empty that the first look mostly finds them.
template <class T>
class Codes {
public:
    explicit Codes(T* table) : table_(table) { table[0] = T(0); }

    bool full() const { return full_; }

    std::uint8_t operator()(T value) {
        const std::uint64_t bits = bits_of(value);
        const Index slot = Index((bits * 0x9E3779B97F4A7C15u) >> (64 - kLogSlots));
        return keys_[slot] == bits ? codes_[slot] : look_on(value, bits, slot);
    }
    std::uint8_t operator()(std::uint8_t code) { return code; }  // bytes are codes already

private:
    static constexpr int kLogSlots = 12;
    static constexpr Index kSlots = Index(1) << kLogSlots;

    static std::uint64_t bits_of(T value) {
        std::uint64_t bits = 0;
        std::memcpy(&bits, &value, sizeof value);
        return bits;
    }

    // From slot on, and into the first free one if it is new. Slot 0 is that of the value 0.
    std::uint8_t look_on(T value, std::uint64_t bits, Index slot) {
        if (value == T(0)) return 0;  // -0
        for (; slot == 0 || keys_[slot]; slot = (slot + 1) % kSlots)
            if (keys_[slot] == bits) return codes_[slot];
        if (count_ == kCodes) {
            full_ = true;
            return 0;
        }
        table_[count_] = value;
        keys_[slot] = bits;
        return codes_[slot] = std::uint8_t(count_++);
    }

    T* const table_;
    int count_ = 1;
    bool full_ = false;
    std::uint64_t keys_[kSlots] = {};
    std::uint8_t codes_[kSlots] = {};
};

template <class T>
bool fill_coded(const Rows<T>& x, Index rows, CodedPair* pairs, T* table) {
    Codes<T> code(table);
    for (Index r = 0; r < rows && !code.full(); ++r)
        pairs_of(x, r, [&](Index i, auto first, auto second) {
            *pairs++ = {code(first), code(second), std::uint16_t(i)};
        });
    return !code.full();
}

}  // namespace CHAINRULE_ISA
}  // namespace chainrule
