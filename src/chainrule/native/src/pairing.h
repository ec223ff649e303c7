// X as pairs of neighbouring columns, made from the other forms in which it comes: of every row,
// which pairs there are is marked, a bit each, then they are written down.
#pragma once

#include "column_order.h"

namespace chainrule {
namespace CHAINRULE_ISA {

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

// Which pairs of a dense row's columns are not both zero.
template <class V>
inline void mark_row(const V* x, Index columns, std::uint64_t* seen) {
    for (Index first = 0; first < columns; first += 128) {
        const Index pairs = (columns - first < 128 ? columns - first : 128) / 2;
        std::uint64_t word = 0;
        for (Index i = 0; i < pairs; ++i) word |= std::uint64_t(any(x + first + 2 * i)) << i;
        *seen++ = word;
    }
    const Index last = columns / 2;  // alone in its pair, if it is
    if (columns % 2 && x[columns - 1] != V(0)) seen[-1] |= std::uint64_t(1) << last % 64;
}

// A dense row: its pairs marked, and f(first, second) for each of them.
template <class V, class F>
inline void pairs_of_row(const V* x, Index columns, std::uint64_t* seen, F f) {
    mark_row(x, columns, seen);
    for (Index w = 0; 128 * w < columns; ++w)
        for (std::uint64_t word = seen[w]; word; word &= word - 1) {
            const Index i = 2 * (64 * w + lowest_bit(word));
            f(x[i], i + 1 < columns ? x[i + 1] : V(0));
        }
}

// The same for a row of a sparse X, entries [p, end).
template <class T, class F>
inline void pairs_of_row(const Csr<T>& x, std::int64_t p, std::int64_t end, Index words,
                         std::uint64_t* seen, F f) {
    std::memset(seen, 0, std::size_t(words) * sizeof *seen);
    while (p < end) {
        const std::int32_t i = x.column[p] / 2;
        T values[2] = {T(0), T(0)};
        for (; p < end && x.column[p] / 2 == i; ++p) values[x.column[p] % 2] = x.value[p];
        seen[i / 64] |= std::uint64_t(1) << i % 64;
        f(values[0], values[1]);
    }
}

// Row after row, as long as `go_on` says so: `start` and `seen` are filled in.
template <class T, class F, class GoOn>
inline void pairs_of_rows(const Rows<T>& x, Index rows, Index words, std::int64_t* start,
                          std::uint64_t* seen, F f, GoOn go_on) {
    std::int64_t count = 0;
    const auto take = [&](auto first, auto second) {
        f(first, second);
        ++count;
    };
    start[0] = 0;
    for (Index r = 0; r < rows && go_on(); ++r, seen += words) {
        if (x.csr.start)
            pairs_of_row(x.csr, x.csr.start[r], x.csr.start[r + 1], words, seen, take);
        else if (x.bytes) pairs_of_row(x.bytes + r * x.columns, x.columns, seen, take);
        else pairs_of_row(x.dense + r * x.columns, x.columns, seen, take);
        start[r + 1] = count;
    }
}

template <class T>
void fill_pairs(const Rows<T>& x, Index rows, Index words, std::int64_t* start,
                std::uint64_t* seen, Pair<T>* pairs) {
    const auto write = [&](auto first, auto second) { *pairs++ = {T(first), T(second)}; };
    pairs_of_rows(x, rows, words, start, seen, write, [] { return true; });
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
bool fill_coded(const Rows<T>& x, Index rows, Index words, std::int64_t* start,
                std::uint64_t* seen, CodedPair* pairs, T* table) {
    Codes<T> code(table);
    const auto write = [&](auto first, auto second) { *pairs++ = {code(first), code(second)}; };
    pairs_of_rows(x, rows, words, start, seen, write, [&] { return !code.full(); });
    return !code.full();
}

}  // namespace CHAINRULE_ISA
}  // namespace chainrule
