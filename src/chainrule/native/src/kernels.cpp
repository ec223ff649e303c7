// All kernels, compiled once for every instruction set: CHAINRULE_ISA is its namespace.
#include "pairing.h"
#include "predict.h"
#include "train.h"

namespace chainrule {
namespace CHAINRULE_ISA {

template <class T>
void train(const Training<T>& training, Request& request, Team& team, int thread) {
    Worker<T>(training, request, team, thread).run();
}

template <class T>
bool predict(const Inference<T>& net, const T* X, const Csr<T>& csr, Index first, Index last,
             T* out) {
    return Predictor<T>(net, last - first).run(X, csr, first, last, out);
}

template <class T>
constexpr Kernels<T> kernels() {
    return {train<T>,         predict<T>,    count_nonzeros<T>,
            fill_nonzeros<T>, fill_pairs<T>, fill_coded<T>};
}

#define CHAINRULE_TEXT_(x) #x
#define CHAINRULE_TEXT(x) CHAINRULE_TEXT_(x)

extern const InstructionSet instruction_set{CHAINRULE_TEXT(CHAINRULE_ISA), kernels<float>(),
                                            kernels<double>()};

}  // namespace CHAINRULE_ISA
}  // namespace chainrule
