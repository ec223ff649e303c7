// A batch of pairs in the order of their columns, which the threads make together, a piece at a
// time, whenever one of them has nothing else to do.
#pragma once

#include <atomic>

#include "simd.h"

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

inline Index bits_in(std::uint64_t word) { return __builtin_popcountll(word); }
inline Index lowest_bit(std::uint64_t word) { return __builtin_ctzll(word); }
inline Index words_of(Index bits) { return (bits + 63) / 64; }

// Bit c of row r becomes bit r of row c (Warren, Hacker's Delight, 7-3: squares of half the side
// change places, then those within them).
inline void transpose(std::uint64_t (&rows)[64]) {
    std::uint64_t mask = 0x00000000FFFFFFFFu;
    for (int side = 32; side; side /= 2, mask ^= mask << side)
        for (int block = 0; block < 64; block += 2 * side)
            for (int r = block; r < block + side; ++r) {
                const std::uint64_t swapped = ((rows[r] >> side) ^ rows[r + side]) & mask;
                rows[r] ^= swapped << side;
                rows[r + side] ^= swapped;
            }
}

// Rows of z lie a power of two apart, so that some of their columns would share a few sets of the
// first cache: a tile has them one behind the other. Entries name a row by where it begins there.
constexpr int kTileVectors = 8;
template <class T>
constexpr Index kTileWidth = kTileVectors * kLanes<T>;

// Entries [begin, end) of two columns.
template <class T>
struct Entries {
    const Entry<T>* begin;
    const Entry<T>* end;
};

// One thread's view of a batch: every thread finds out by itself where the entries of each column
// belong, then writes those of some of the columns.
template <class T>
class ColumnOrder {
public:
    ColumnOrder(const Training<T>& t, int thread, Index columns)
        : t_(t), own_(t.columns[thread]), columns_(columns), words_(words_of(columns)) {}

    // What was loaded is now the batch at hand, and `next` is loaded.
    void turn(Batch next) {
        now_ = !now_;
        next_ = next;
        prepared_ = false;
    }

    // The memory of the batch at hand may be loaded again after the next turn. One thread calls it,
    // at least one barrier after the turn: a thread that has not turned yet may still be asking
    // whether a piece of this batch is left.
    void clear() { t_.claimed[now_].store(0, std::memory_order_relaxed); }

    // Does a piece of the next batch; false if none is left.
    bool load_some() {
        if (t_.pairs.start) return load_some(t_.pairs);
        return load_some(t_.coded);
    }

    // Entries of a column in the batch at hand: all of them, or those in rows [r0, r1).
    Entries<T> entries(Index column) const {
        const std::int32_t* begin = own_.begin[now_] + column;
        return {t_.entries[now_] + begin[0], t_.entries[now_] + begin[1]};
    }
    Entries<T> entries(Index column, Index r0, Index r1) const {
        const Entry<T>* first = entries(column).begin;
        return {first + rows_before(column, r0), first + rows_before(column, r1)};
    }

private:
    static constexpr Index kPiece = 32;  // columns

    template <class P>
    bool load_some(const PairRows<P>& x) {
        if (next_.n == 0) return false;
        if (!prepared_) {
            prepare(x);
            return true;
        }
        const Index piece = t_.claimed[!now_].fetch_add(1, std::memory_order_relaxed);
        if (piece * kPiece >= columns_) return false;
        load(x, piece * kPiece);
        return true;
    }

    // Which rows have each column, and where its entries begin.
    template <class P>
    void prepare(const PairRows<P>& x) {
        prepared_ = true;
        std::uint64_t* const rows_with = own_.rows_with[!now_];
        std::memset(own_.before, 0, std::size_t(next_.n) * sizeof(std::int32_t));
        for (Index first = 0; first < next_.n; first += 64)
            for (Index w = 0; w < words_; ++w)
                transpose_block(x, first, w, rows_with + first / 64 * columns_);
        std::int32_t* const begin = own_.begin[!now_];
        std::int32_t at = 0;
        for (Index i = 0; i < columns_; ++i) {
            begin[i] = at;
            for (Index block = 0; block < words_of(next_.n); ++block)
                at += std::int32_t(bits_in(rows_with[block * columns_ + i]));
        }
        begin[columns_] = at;
    }

    template <class P>
    void transpose_block(const PairRows<P>& x, Index first, Index word, std::uint64_t* rows_with) {
        std::uint64_t bits[64] = {};
        const Index rows = next_.n - first < 64 ? next_.n - first : 64;
        std::int32_t* const before = own_.before + word * t_.batch_size + first;
        for (Index r = 0; r < rows; ++r) {
            bits[r] = x.seen[next_.rows[first + r] * words_ + word];
            if (word + 1 < words_)
                before[t_.batch_size + r] = before[r] + std::int32_t(bits_in(bits[r]));
        }
        transpose(bits);
        const Index left = columns_ - 64 * word;
        std::memcpy(rows_with + 64 * word, bits, std::size_t(left < 64 ? left : 64) * 8);
    }

    // Columns from `first` on: each row's pairs come in their order.
    template <class P>
    void load(const PairRows<P>& x, Index first) {
        const P** const next = reinterpret_cast<const P**>(own_.next);
        const Index word = first / 64;
        const std::uint64_t below = (std::uint64_t(1) << first % 64) - 1;
        for (Index r = 0; r < next_.n; ++r)
            next[r] = x.pairs + x.start[next_.rows[r]] + own_.before[word * t_.batch_size + r] +
                      bits_in(x.seen[next_.rows[r] * words_ + word] & below);
        const Index last = first + kPiece < columns_ ? first + kPiece : columns_;
        const Index blocks = words_of(next_.n);
        Entry<T>* entry = t_.entries[!now_] + own_.begin[!now_][first];
        for (Index i = first; i < last; ++i)
            for (Index block = 0; block < blocks; ++block)
                entry = load_column(own_.rows_with[!now_][block * columns_ + i], 64 * block, next,
                                    t_.table, entry);
    }

    // The pairs that one column has in a block of rows, and where the next ones go.
    template <class P>
    static Entry<T>* load_column(std::uint64_t rows, Index first, const P** next, const T* table,
                                 Entry<T>* entry) {
        for (; rows; rows &= rows - 1) {
            const Index r = first + lowest_bit(rows);
            const P& pair = *next[r]++;
            *entry++ = {value_of(pair.first, table), value_of(pair.second, table),
                        std::int32_t(r * kTileWidth<T>)};
        }
        return entry;
    }

    // How many rows before r have the column.
    Index rows_before(Index column, Index r) const {
        const std::uint64_t* rows = own_.rows_with[now_] + column;
        Index count = 0;
        for (; r >= 64; r -= 64, rows += columns_) count += bits_in(*rows);
        return r ? count + bits_in(*rows & ((std::uint64_t(1) << r) - 1)) : count;
    }

    const Training<T>& t_;
    const ColumnMemory own_;
    const Index columns_, words_;
    Batch next_;
    bool now_ = false;  // which half of the memory has the batch at hand
    bool prepared_ = false;
};

}  // namespace CHAINRULE_ISA
}  // namespace chainrule
