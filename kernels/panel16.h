// The packed weight layout that every instruction set reads in place, shared by the converter that writes it
// and the kernels that stream it.
//
// A dense layer's [outputs, inputs] matrix is stored as ceil(outputs / 16) panels of [inputs][16] floats: 16
// outputs side by side, inputs outermost, zero-padded. AVX-512 reads a panel row as one register, AVX2 as
// two, NEON as four.
#pragma once

#include <cstddef>

namespace mmoe {

constexpr std::size_t kPanelWidth = 16;

constexpr std::size_t num_panels(std::size_t outputs) { return (outputs + kPanelWidth - 1) / kPanelWidth; }

/// `outputs` rounded up to whole panels: the row stride of every buffer that a dense layer writes.
constexpr std::size_t padded_outputs(std::size_t outputs) { return num_panels(outputs) * kPanelWidth; }

/// Floats in a packed [outputs, inputs] matrix.
constexpr std::size_t panel16_size(std::size_t outputs, std::size_t inputs) { return padded_outputs(outputs) * inputs; }

/// Where weight (output, input) of a matrix with `inputs` columns lies, in floats.
constexpr std::size_t panel16_index(std::size_t output, std::size_t input, std::size_t inputs) {
  return (output / kPanelWidth * inputs + input) * kPanelWidth + output % kPanelWidth;
}

}  // namespace mmoe
