// From row-major matrices to the layout that the kernels stream (kernels/panel16.h).
#pragma once

#include <vector>

#include "converter/lowering/lowered.h"

namespace mmoe::converter {

/// [rows, cols] row-major -> panels of [cols][16], zero-padded.
std::vector<float> pack_panels(const Matrix& matrix);

/// Zero-padded to whole panels.
std::vector<float> pad_to_panels(const std::vector<float>& row, size_t outputs);

}  // namespace mmoe::converter
