// What a kernel set says of its processor: what a register of floats is, and what it can do beyond arithmetic.
// Everything in generic/ asks Traits<Arch>, never the compiler's macros: those describe the flags of one file, and two
// sets of one processor family may differ.
//
// A file of sets/ defines MMOE_SET, its name, and specialises Traits for its architecture, from those of its family
// (x86.h, neon.h, sve.h, vectors.h). Two sets may have one architecture: everything that a set compiles is in
// namespaces of its own, so that no inline function of it has the name of another's. Of two the linker would keep one,
// perhaps the one that this machine cannot run.
#pragma once

#include <cstddef>

#include "kernels/panel16.h"
#include "kernels/stored.h"
#include "kernels/unroll.h"

namespace mmoe::kernels {
inline namespace MMOE_SET {

/// Type is a register of floats: xsimd's (batch.h), or one of ours. It has `size`, load_unaligned() and
/// store_unaligned(), a constructor for one float in all lanes, + - * < <= and the minus sign. Its namespace has
/// select() and ldexp(); that of Traits<Arch>::Quad also zip_lo() and zip_hi().
template <class Arch>
struct Register;

template <class Arch>
using Reg = typename Register<Arch>::Type;

/// Sixteen stored numbers into registers, one by one: for a set without instructions for it.
template <class Arch>
struct WidenOneByOne {
  template <class Stored>
  static void panel_row(Stored, const typename Stored::Type* from, Reg<Arch>* to) {
    float row[kPanelWidth];
    for (std::size_t i = 0; i < kPanelWidth; ++i) row[i] = widen(Stored{}, from[i]);
    for (std::size_t r = 0; r < kPanelWidth / Reg<Arch>::size; ++r) {
      to[r] = Reg<Arch>::load_unaligned(row + r * Reg<Arch>::size);
    }
  }
};

template <class Arch>
struct PlainDots;  // dots.h

template <class Arch>
struct BaseTraits {
  /// panel_row() of F16, BF16, I8 and U8: sixteen stored numbers, at any address, into registers.
  using Widening = WidenOneByOne<Arch>;

  /// How bytes are multiplied: w8a8.h.
  using Dots = PlainDots<Arch>;

  /// Vector registers of the processor.
  static constexpr std::size_t kRegisters = 16;

  /// Whether multiply_add_lane<kLane>(x, w, sum) exists: x[kLane] * w + sum, for registers of four floats.
  static constexpr bool kHasLanes = false;

  /// Four floats side by side, to transpose.
  using Quad = Reg<Arch>;

  // And, from a family's traits:
  //   multiply_add(x, y, z)   x * y + z, rounded once where the set is exact
  //   to_int(x)               whole numbers within 32 bits, as ldexp() takes them
  //   divide(x, y)            rounded once
};

template <class Arch>
struct Traits;

}  // namespace MMOE_SET
}  // namespace mmoe::kernels
