// Which instruction set this processor has.
#pragma once

#include <stdexcept>
#include <string>
#include <vector>

#include "plan.h"

namespace chainrule {

namespace baseline { extern const InstructionSet instruction_set; }
#ifdef CHAINRULE_X86
namespace avx2 { extern const InstructionSet instruction_set; }
namespace avx512 { extern const InstructionSet instruction_set; }
#endif

// Those that this processor can run, the best one first.
inline std::vector<const InstructionSet*> instruction_sets() {
    std::vector<const InstructionSet*> sets;
#ifdef CHAINRULE_X86
    __builtin_cpu_init();
    if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512vl") &&
        __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512bw"))
        sets.push_back(&avx512::instruction_set);
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"))
        sets.push_back(&avx2::instruction_set);
#endif
    sets.push_back(&baseline::instruction_set);
    return sets;
}

inline const InstructionSet& instruction_set(const std::string& name) {
    for (const InstructionSet* set : instruction_sets())
        if (name == set->name) return *set;
    throw std::invalid_argument("this processor does not run " + name);
}

template <class T>
const Kernels<T>& kernels_of(const InstructionSet& set);
template <>
inline const Kernels<float>& kernels_of(const InstructionSet& set) { return set.single; }
template <>
inline const Kernels<double>& kernels_of(const InstructionSet& set) { return set.wide; }

}  // namespace chainrule
