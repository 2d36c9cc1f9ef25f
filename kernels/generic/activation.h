// Elementwise activations over whole panels of floats.
#pragma once

#include "kernels/assertion.h"
#include "kernels/generic/math.h"
#include "kernels/kernels.h"
#include "kernels/panel16.h"

namespace mmoe::kernels {
inline namespace MMOE_SET {

template <class Arch, class Function>
inline void for_each_register(float* data, std::size_t size, Function function) {
  using B = Reg<Arch>;
  for (std::size_t i = 0; i < size; i += B::size) function(B::load_unaligned(data + i)).store_unaligned(data + i);
}

/// x < 0 ? alpha * x : x
template <class Arch>
inline Reg<Arch> leaky(const Reg<Arch>& x, const Reg<Arch>& alpha) {
  return select(x < Reg<Arch>(0.0f), alpha * x, x);
}

template <class Arch>
inline void prelu(const float* slopes, float* data, std::size_t size) {
  using B = Reg<Arch>;
  for (std::size_t i = 0; i < size; i += B::size) {
    leaky<Arch>(B::load_unaligned(data + i), B::load_unaligned(slopes + i)).store_unaligned(data + i);
  }
}

template <class Arch>
void activate(Activation activation, float alpha, float beta, float* data, std::size_t size) {
  MMOE_ASSERT(size % kPanelWidth == 0);
  using B = Reg<Arch>;
  const B zero(0.0f);
  switch (activation) {
    case Activation::kIdentity: return;
    case Activation::kRelu:
      return for_each_register<Arch>(data, size, [=](const B& x) { return select(x < zero, zero, x); });
    case Activation::kLeakyRelu:
    case Activation::kPRelu:
      return for_each_register<Arch>(data, size, [=](const B& x) { return leaky<Arch>(x, B(alpha)); });
    case Activation::kElu:
      return for_each_register<Arch>(data, size, [=](const B& x) { return elu<Arch>(x, B(alpha)); });
    case Activation::kSelu:
      return for_each_register<Arch>(data, size,
                                     [](const B& x) { return B(kSeluScale) * elu<Arch>(x, B(kSeluAlpha)); });
    case Activation::kSigmoid: return for_each_register<Arch>(data, size, [](const B& x) { return sigmoid<Arch>(x); });
    case Activation::kTanh: return for_each_register<Arch>(data, size, [](const B& x) { return tanh<Arch>(x); });
    case Activation::kSilu: return for_each_register<Arch>(data, size, [](const B& x) { return x * sigmoid<Arch>(x); });
    case Activation::kGelu: return for_each_register<Arch>(data, size, [](const B& x) { return gelu<Arch>(x); });
    case Activation::kGeluTanh:
      return for_each_register<Arch>(data, size, [](const B& x) { return gelu_tanh<Arch>(x); });
    case Activation::kSoftplus:
      return for_each_register<Arch>(data, size, [](const B& x) { return softplus<Arch>(x); });
    case Activation::kCelu:
      return for_each_register<Arch>(data, size, [=](const B& x) { return celu<Arch>(x, B(alpha)); });
    case Activation::kMish: return for_each_register<Arch>(data, size, [](const B& x) { return mish<Arch>(x); });
    case Activation::kHardSwish:
      return for_each_register<Arch>(data, size,
                                     [](const B& x) { return x * hard_sigmoid<Arch>(x, B(kSixth), B(0.5f)); });
    case Activation::kHardSigmoid:
      return for_each_register<Arch>(data, size, [=](const B& x) { return hard_sigmoid<Arch>(x, B(alpha), B(beta)); });
    case Activation::kClamp:
      return for_each_register<Arch>(data, size, [=](const B& x) { return clamp<Arch>(x, B(alpha), B(beta)); });
    case Activation::kSwish:
      return for_each_register<Arch>(data, size, [=](const B& x) { return x * sigmoid<Arch>(B(alpha) * x); });
    case Activation::kSoftsign:
      return for_each_register<Arch>(data, size,
                                     [](const B& x) { return divide<Arch>(x, B(1.0f) - negative_abs<Arch>(x)); });
    case Activation::kLogSigmoid:
      return for_each_register<Arch>(data, size, [=](const B& x) { return zero - softplus<Arch>(-x); });
    case Activation::kThreshold:
      return for_each_register<Arch>(data, size, [=](const B& x) { return select(x <= B(alpha), B(beta), x); });
    case Activation::kSquaredRelu:
      return for_each_register<Arch>(data, size, [=](const B& x) { return select(x < zero, zero, x * x); });
    case Activation::kExp: return for_each_register<Arch>(data, size, [](const B& x) { return exp<Arch>(x); });
    case Activation::kScaledSoftplus:
      return for_each_register<Arch>(data, size,
                                     [=](const B& x) { return divide<Arch>(softplus<Arch>(B(alpha) * x), B(alpha)); });
  }
}

}  // namespace MMOE_SET
}  // namespace mmoe::kernels
