// Stored numbers become registers of f32, sixteen at a time: a panel's weights of one input, or a part of a table's
// row. A set with instructions for it says so in its traits; what it leaves out goes one by one.
#pragma once

#include "kernels/generic/traits.h"
#include "kernels/panel16.h"
#include "kernels/stored.h"

namespace mmoe::kernels {
inline namespace MMOE_SET {

template <class Arch>
struct Widen : Traits<Arch>::Widening {
  using B = Reg<Arch>;
  using Traits<Arch>::Widening::panel_row;

  static void panel_row(F32, const float* from, B* to) {
    MMOE_UNROLL
    for (std::size_t r = 0; r < kPanelWidth / B::size; ++r) to[r] = B::load_unaligned(from + r * B::size);
  }
};

}  // namespace MMOE_SET
}  // namespace mmoe::kernels
