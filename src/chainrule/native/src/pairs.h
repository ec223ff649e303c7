// The first layer on rows of which a good part is not zero, such as images.
//
// A batch is first put into the order of its columns: then rows of W, or of dW, stay in registers
// while the rows of z, or of dz, that they meet lie in the nearest cache. Columns go two by two,
// since beside a pixel that is not zero there mostly is another one: they share their look at z.
#pragma once

#include "column_order.h"
#include "sparse.h"

namespace chainrule {
namespace CHAINRULE_ISA {

constexpr int kPairVectors = 4;  // of either column: two sets of sums fit into 16 registers

// A tile's columns are done in blocks; entries that were just gone through are gone through again at
// little cost, the processor having learnt where they end.
template <class T, int N, class F>
inline void for_each_part(Index columns, F f) {
    constexpr int vectors = N < kPairVectors ? N : kPairVectors;
    constexpr Index width = vectors * kLanes<T>;
    for (Index k = 0; k < columns; k += width)
        f(std::integral_constant<int, vectors>(), k, N > vectors ? width : columns);
}

// z = x W + b; `entries_of(i)` gives those of columns 2i and 2i + 1 that are this thread's.
template <class T, class EntriesOf>
void pairs_forward(Index in, EntriesOf entries_of, const T* W, Index stride, const T* b,
                   Index width, T* z, T* const scratch, Part part) {
    for_each_block<T, kTileVectors>(part.c0, part.c1, [&](auto vectors, Index j, Index columns) {
        using Row = Vectors<T, decltype(vectors)::value>;
        T* const tile = scratch;  // a copy of its own, so that it stays in a register
        const Row bias = b ? Row::from(b + j, columns) : Row::zeros();
        for (Index r = part.r0; r < part.r1; ++r) bias.to(tile + r * kTileWidth<T>, columns);
        for (Index i = 0; i < in; i += 2) {
            const Entries<T> entries = entries_of(i / 2);
            if (entries.begin == entries.end) continue;
            for_each_part<T, decltype(vectors)::value>(columns, [&](auto some, Index k, Index n) {
                using V = Vectors<T, decltype(some)::value>;
                const T* const w = W + i * stride + j + k;
                const V first = V::from(w, n);
                const V second = V::from(i + 1 < in ? w + stride : w, n);
                T* const part = tile + k;
                for (const Entry<T>* e = entries.begin; e < entries.end; ++e) {
                    V sums = V::from(part + e->row, n);
                    sums.add(splat(e->first), first);
                    sums.add(splat(e->second), second);
                    sums.to(part + e->row, n);
                }
            });
        }
        for (Index r = part.r0; r < part.r1; ++r)
            Row::from(tile + r * kTileWidth<T>, columns).to(z + r * width + j, columns);
    });
}

// dW = xᵀ dz for the pairs of columns [i0, i1), dz being (n, width). `finish(column of x, j, touched,
// sum, columns)` takes each row of dW; one that is not touched is 0.
template <class T, class EntriesOf, class Finish>
void pairs_gradient(Index in, Index i0, Index i1, EntriesOf entries_of, const T* dz, Index n,
                    Index width, T* const scratch, Index c0, Index c1, Finish finish) {
    for_each_block<T, kTileVectors>(c0, c1, [&](auto vectors, Index j, Index columns) {
        using Row = Vectors<T, decltype(vectors)::value>;
        T* const tile = scratch;
        for (Index r = 0; r < n; ++r)
            Row::from(dz + r * width + j, columns).to(tile + r * kTileWidth<T>, columns);
        for (Index i = i0; i < i1; ++i) {
            const Entries<T> entries = entries_of(i);
            const bool touched = entries.begin != entries.end;
            for_each_part<T, decltype(vectors)::value>(columns, [&](auto some, Index k, Index m) {
                using V = Vectors<T, decltype(some)::value>;
                const T* const part = tile + k;
                V first = V::zeros(), second = V::zeros();
                for (const Entry<T>* e = entries.begin; e < entries.end; ++e) {
                    const V d = V::from(part + e->row, m);
                    first.add(splat(e->first), d);
                    second.add(splat(e->second), d);
                }
                finish(2 * i, j + k, touched, first, m);
                if (2 * i + 1 < in) finish(2 * i + 1, j + k, touched, second, m);
            });
        }
    });
}

}  // namespace CHAINRULE_ISA
}  // namespace chainrule
