// The activations, by their names in the file (ActivationKind of schema/mmoe.fbs) and in its order. The enumerations of
// the kernels and of the converter are made of this list, and the file's is compared with it by the compiler.
#pragma once

#include <cstdint>

/// X(Name) for each. Those behind Softplus are left out of builds without extras. FILE_ONLY(Name): one that a
/// description has no kind of its own for.
// A list, in lines of like things.
// clang-format off
#define MMOE_ACTIVATIONS(X, FILE_ONLY)                                                                             \
  X(Identity) X(Relu) X(LeakyRelu) X(PRelu) X(Elu) X(Selu) X(Sigmoid) X(Tanh) X(Silu) X(Gelu) X(GeluTanh)          \
  X(Softplus)                                                                                                      \
  X(Celu) X(Mish) X(HardSwish) X(HardSigmoid) X(Clamp) X(Swish) X(Softsign) X(LogSigmoid) X(Threshold)             \
  X(SquaredRelu) X(Exp) FILE_ONLY(ScaledSoftplus)
// clang-format on

namespace mmoe::kernels {

/// Numbered like ActivationKind of the model file, which runtime/src/model/same_numbers.cpp makes sure of.
enum class Activation : std::uint8_t {
#define MMOE_ENUMERATOR(name) k##name,
  MMOE_ACTIVATIONS(MMOE_ENUMERATOR, MMOE_ENUMERATOR)
#undef MMOE_ENUMERATOR
};

}  // namespace mmoe::kernels
