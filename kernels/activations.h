// The activations, by their names in the file (ActivationKind of schema/mmoe.fbs) and in its order. The kernels'
// enumeration is made of this list, and both the file's and the converter's are compared with it by the compiler.
#pragma once

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
