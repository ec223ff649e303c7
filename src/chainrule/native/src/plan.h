// What the kernels are given: plain records and pointers, the same for every instruction set.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>

#include "threads.h"

namespace chainrule {

using Index = std::ptrdiff_t;

enum class Kind : int { linear, activation, dropout };

enum class Function : int {
    relu, leaky_relu, sigmoid, tanh, silu, gelu, gelu_tanh, elu, softplus
};

enum class Criterion : int { softmax_cross_entropy, binary_cross_entropy, mse, mae, huber };

enum class Rule : int { sgd, momentum, nesterov, rmsprop, rmsprop_momentum, adam };

// One layer. Tensors are (rows, width), row-major, like NumPy's.
struct Layer {
    Kind kind;
    Index in, out;
    Index W, b;          // where they start in the flat vector; b is -1 where there is none
    Function function;   // of an activation
    double parameter;    // its slope or alpha, or the rate of a dropout
};

// Whether the derivative is computed from x; otherwise y = f(x) is enough and may replace it.
inline bool needs_x(Function f) {
    return f != Function::relu && f != Function::sigmoid && f != Function::tanh;
}

// Parameters [begin, end) of the flat vector, and whether weight decay and l2 act on them.
struct Segment {
    Index begin, end;
    bool decayed;
};

struct Update {
    Rule rule;
    double decay1, decay2;  // momentum, or beta1 and beta2; alpha of RMSProp is decay2
    double eps;
    double l2, weight_decay;
    double clip_norm;       // 0: the gradient is not clipped
};

// Rows of X that are nearly all zeros, in the CSR format: indices ascend within a row.
template <class T>
struct Csr {
    const std::int64_t* start = nullptr;
    const std::int32_t* column = nullptr;
    const T* value = nullptr;
};

// Two neighbouring columns, 2i and 2i + 1, of a row of X of which not both are zero. They may be
// codes, numbers of values in a table, where X has few different ones: images, counts.
template <class Value>
struct Pair {
    Value first, second;
};

using CodedPair = Pair<std::uint8_t>;

// Rows of X of which a good part is not zero: row r's pairs are those from start[r] on, and which
// they are stands in `seen`, a bit for each i, in 64-bit words.
template <class P>
struct PairRows {
    const std::int64_t* start = nullptr;
    const P* pairs = nullptr;
    const std::uint64_t* seen = nullptr;
};

// Rows of X that make up a batch.
struct Batch {
    const std::int64_t* rows = nullptr;
    Index n = 0;
};

// A pair of a batch, and where its row begins in a tile.
template <class T>
struct Entry {
    T first, second;
    std::int32_t row;
};

constexpr Index kMostEntries = 0x7fffffff;  // in a batch: they are counted in 32 bits

// X as it came: dense, or in the CSR format, or dense as bytes.
template <class T>
struct Rows {
    const T* dense = nullptr;
    Csr<T> csr;
    const std::uint8_t* bytes = nullptr;
    Index columns = 0;
};

constexpr int kCodes = 256;  // of a table; code 0 is the value 0

// What a thread knows of two batches of pairs, the one at hand and the next: which rows have a
// column, 64 to a word, and where the column's entries begin. Of the next also, for each row, how
// many pairs stand before each 64 columns, and where the thread reads on.
struct ColumnMemory {
    std::uint64_t* rows_with[2];
    std::int32_t* begin[2];
    std::int32_t* before;
    const void** next;
};

// What draws a float in [0, 1): the C interface of a NumPy bit generator (numpy/random/bitgen.h).
struct BitGenerator {
    void* state;
    std::uint64_t (*next_uint64)(void*);
    std::uint32_t (*next_uint32)(void*);
    double (*next_double)(void*);
    std::uint64_t (*next_raw)(void*);
};

// The BLAS that NumPy brought, by its C interface; its integers have 4 or 8 bytes.
struct Blas {
    void* sgemm = nullptr;
    void* dgemm = nullptr;
    bool wide = true;
};

// A network in training: everything that stays the same from call to call. Buffers hold one batch.
template <class T>
struct Training {
    const Layer* layers;
    int n_layers;
    int first_linear;
    T* params;
    T* grads;
    T* moments[2];
    Index n_params;
    const Segment* segments;
    int n_segments;
    Update update;
    bool fused;             // dW goes straight into W: plain SGD

    Criterion criterion;
    double criterion_parameter;
    const T* X;             // (n, in), or X in one of the following forms
    Csr<T> csr;
    PairRows<Pair<T>> pairs;
    PairRows<CodedPair> coded;
    const std::uint8_t* bytes;  // (n, in)
    const T* table;             // values of the codes in `coded` and `bytes`
    const std::int64_t* labels;
    const T* targets;       // (n, out)
    const T* weights;       // (n,), or null

    Index batch_size;
    T* const* inputs;       // of every layer, and at the end the output
    T* const* gradients;    // with respect to the output of every linear layer; null for others
    T* const* masks;        // of every dropout; null for others
    T* row_losses;
    std::uint8_t* row_hits;
    double* norms;          // sums of squares, one for each block of the gradient

    T* const* scratch;      // of every thread: packed panels
    const ColumnMemory* columns;   // of every thread
    Entry<T>* entries[2];          // pairs, column by column, of the batch at hand and of the next
    std::atomic<Index>* claimed;   // [2]: pieces of them that threads have taken on
    T* const* panels;       // of every thread: its columns of the first W
    T* const* tiles;        // of every thread: some columns of the first z
    const std::int64_t* rows;      // (batch,) of the batch at hand; set by the engine

    Blas blas;
};

// What is asked for in one call, and what came of it.
struct Request {
    const std::int64_t* order;  // the examples of all steps, batch after batch
    Index n_order;
    Index steps;
    const double* lrs;
    std::int64_t step;      // number of steps done before
    bool keep_grads;
    BitGenerator* random;

    Index done = 0;
    double loss = 0, weight = 0;
    std::int64_t hits = 0, examples = 0;
};

template <class T>
struct Inference {
    const Layer* layers;
    int n_layers;
    const T* params;
    Index widest;   // of the tensors between the layers
    Index deepest;  // of all, X too
    Blas blas;
};

constexpr Index kNormBlock = 4096;  // entries of the gradient whose squares are summed as one

// Instruction sets: one table each, from kernels.cpp compiled once for each.
template <class T>
struct Kernels {
    void (*train)(const Training<T>&, Request&, Team&, int thread);
    // Rows [first, last) of X, dense or sparse; false if one holds a NaN or an infinity.
    bool (*predict)(const Inference<T>&, const T* X, const Csr<T>& csr, Index first, Index last,
                    T* out);
    // Non-zeros of X row by row: first they are counted, then written down.
    void (*count_nonzeros)(const T* X, Index rows, Index columns, std::int64_t* counts);
    void (*fill_nonzeros)(const T* X, Index rows, Index columns, const std::int64_t* start,
                          std::int32_t* column, T* value);
    // Pairs of X, as in PairRows, with `words` words of `seen` a row.
    void (*fill_pairs)(const Rows<T>& X, Index rows, Index words, std::int64_t* start,
                       std::uint64_t* seen, Pair<T>* pairs);
    // The same with codes, and their table; false if there are too many different values.
    bool (*fill_coded)(const Rows<T>& X, Index rows, Index words, std::int64_t* start,
                       std::uint64_t* seen, CodedPair* pairs, T* table);
};

struct InstructionSet {
    const char* name;
    Kernels<float> single;
    Kernels<double> wide;
};

}  // namespace chainrule
