// libxsmm: code made at run time for blocks of the product. Weights are packed in blocks of outputs and inputs, the
// inputs outermost in each; a block of y holds the bias before its products, and the ReLU follows while it is in the
// first cache. `tuning` is a row of kBlockings.
#include <libxsmm.h>

#include <iterator>

#include "tests/bench/assembled_engine.h"
#include "tests/bench/engines.h"

namespace mmoe::bench {
namespace {

/// Sizes of a block. Blocks of 64 outputs suit its AVX-512 tiles of 64 x 6; with few inputs a block of weights stays in
/// the first cache for all rows of the block, with all of them y is written once.
struct Blocking {
  std::size_t outputs, inputs, rows;
};
constexpr std::size_t kAll = std::size_t{1} << 20;
constexpr Blocking kBlockings[] = {{64, kAll, 24}, {64, 128, 24},  {64, 128, 48},  {64, 256, 24},
                                   {64, 256, 96},  {48, kAll, 24}, {32, kAll, 24}, {16, kAll, 1},
                                   {32, kAll, 1},  {128, kAll, 1}, {256, kAll, 1}, {64, kAll, 1}};
constexpr int kFirstForOneRow = 7;

class LibxsmmProduct {
 public:
  LibxsmmProduct(const ProductSpec& spec, int tuning)
      : spec_(spec), blocking_(kBlockings[tuning]), weight_(spec.inputs * spec.outputs), bias_(spec.outputs) {
    std::copy(spec.bias, spec.bias + spec.outputs, bias_.data());
    float* packed = weight_.data();
    for (std::size_t first = 0; first < spec.outputs; first += blocking_.outputs) {
      const std::size_t outputs = std::min(blocking_.outputs, spec.outputs - first);
      const std::size_t relu = std::min(outputs, spec.relu_outputs > first ? spec.relu_outputs - first : 0);
      panels_.push_back({first, outputs, relu, {}});
      for (std::size_t input = 0; input < spec.inputs; input += blocking_.inputs) {
        panels_.back().blocks.push_back(make_block(outputs, input, packed));
        packed = pack(panels_.back(), input, packed);
      }
    }
  }

  void run(const float* x, float* y) {
    for (const Panel& panel : panels_) {
      for (std::size_t row = 0; row < spec_.rows; row += blocking_.rows) run_panel(panel, x, y, row);
    }
  }

  static std::vector<int> tunings(std::size_t rows) {
    std::vector<int> all;
    const int end = static_cast<int>(std::size(kBlockings));
    for (int i = rows == 1 ? kFirstForOneRow : 0; i < (rows == 1 ? end : kFirstForOneRow); ++i) all.push_back(i);
    return all;
  }

 private:
  struct Block {
    std::size_t input;
    const float* weight;
    libxsmm_smmfunction full, rest;  ///< for all rows of a block, and for the last few
  };
  struct Panel {
    std::size_t first, outputs, relu_outputs;
    std::vector<Block> blocks;
  };

  Block make_block(std::size_t outputs, std::size_t input, const float* weight) const {
    const std::size_t inputs = std::min(blocking_.inputs, spec_.inputs - input);
    const std::size_t rest = spec_.rows % blocking_.rows;
    return {input, weight, spec_.rows >= blocking_.rows ? kernel(outputs, blocking_.rows, inputs) : nullptr,
            rest ? kernel(outputs, rest, inputs) : nullptr};
  }

  float* pack(const Panel& panel, std::size_t input, float* packed) const {
    for (std::size_t i = input; i < std::min(input + blocking_.inputs, spec_.inputs); ++i) {
      for (std::size_t o = 0; o < panel.outputs; ++o) *packed++ = spec_.weight[(panel.first + o) * spec_.inputs + i];
    }
    return packed;
  }

  libxsmm_smmfunction kernel(std::size_t outputs, std::size_t rows, std::size_t inputs) const {
    // Column-major, as BLAS has it: y^T [outputs, rows] += block [outputs, inputs] x^T [inputs, rows].
    const auto m = static_cast<libxsmm_blasint>(outputs), ldb = static_cast<libxsmm_blasint>(spec_.input_stride);
    const auto ldc = static_cast<libxsmm_blasint>(spec_.output_stride);
    const float one = 1;
    const int flags = LIBXSMM_GEMM_FLAG_NONE, prefetch = LIBXSMM_PREFETCH_NONE;
    const libxsmm_smmfunction made =
        libxsmm_smmdispatch(m, static_cast<libxsmm_blasint>(rows), static_cast<libxsmm_blasint>(inputs), &m, &ldb, &ldc,
                            &one, &one, &flags, &prefetch);
    if (!made) throw std::runtime_error("libxsmm made no code for this shape");
    return made;
  }

  void run_panel(const Panel& panel, const float* x, float* y, std::size_t row) const {
    const std::size_t rows = std::min(blocking_.rows, spec_.rows - row);
    float* out = y + row * spec_.output_stride + panel.first;
    glue::fill_rows(out, rows, spec_.output_stride, panel.outputs, bias_.data() + panel.first);
    for (const Block& block : panel.blocks) {
      (rows == blocking_.rows ? block.full : block.rest)(block.weight, x + row * spec_.input_stride + block.input, out);
    }
    if (panel.relu_outputs) glue::relu(out, rows, spec_.output_stride, panel.relu_outputs);
  }

  ProductSpec spec_;
  Blocking blocking_;
  AlignedFloats weight_, bias_;
  std::vector<Panel> panels_;
};

}  // namespace

std::unique_ptr<Engine> make_libxsmm(const EngineOptions&) {
  libxsmm_init();
  return std::make_unique<AssembledEngine<LibxsmmProduct>>();
}

}  // namespace mmoe::bench
