// What the sets for Cortex-M share. Private to kernels/.
#pragma once

#include "kernels/kernels.h"

namespace mmoe::kernels {

/// The activation of a product's rows, except relu, which belongs to the way out of the registers.
void fpu_activate_rows(const DenseArgs& args);

}  // namespace mmoe::kernels
