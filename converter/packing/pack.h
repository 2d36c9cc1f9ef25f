// From row-major matrices to the layouts that the kernels stream (kernels/panel16.h, schema/README.md).
#pragma once

#include <cstdint>
#include <vector>

#include "converter/lowering/lowered.h"

namespace mmoe::converter {

/// How a fused layer's weights lie in its file: whole panels of 16 outputs, zero-padded. The same number of bytes as
/// pack_panels() gives.
uint64_t packed_bytes(const FusedLayer& layer);

/// Weights, which quantise() has made numbers of the layer's type, as panels of [cols][16]; w8a8: of [quads][16][4].
std::vector<uint8_t> pack_panels(const FusedLayer& layer);

/// w8a8: [1 or 2][outputs rounded up to 16] sums of each output's stored numbers, of each part.
std::vector<int32_t> row_sums(const FusedLayer& layer);

/// Zero-padded to whole panels.
std::vector<float> pad_to_panels(const std::vector<float>& row, size_t outputs);

}  // namespace mmoe::converter
