// OpenBLAS: sgemv for single rows, sgemm for more; weights as they are or transposed (`tuning`). It has no
// prepacked weights and no fused epilogue: the bias is laid under the product, the ReLU follows.
#include <cblas.h>

#include "tests/bench/assembled_engine.h"
#include "tests/bench/engines.h"

namespace mmoe::bench {
namespace {

enum Storage { kOutputsOutermost = 0, kInputsOutermost = 1 };

class OpenblasProduct {
 public:
  OpenblasProduct(const ProductSpec& spec, int storage)
      : spec_(spec), storage_(storage), weight_(spec.inputs * spec.outputs), bias_(spec.outputs) {
    for (std::size_t o = 0; o < spec.outputs; ++o) {
      for (std::size_t i = 0; i < spec.inputs; ++i) {
        const std::size_t at = storage == kOutputsOutermost ? o * spec.inputs + i : i * spec.outputs + o;
        weight_.data()[at] = spec.weight[o * spec.inputs + i];
      }
    }
    std::copy(spec.bias, spec.bias + spec.outputs, bias_.data());
  }

  void run(const float* x, float* y) {
    const auto outputs = static_cast<blasint>(spec_.outputs), inputs = static_cast<blasint>(spec_.inputs);
    const bool transposed = storage_ == kInputsOutermost;
    glue::fill_rows(y, spec_.rows, spec_.output_stride, spec_.outputs, bias_.data());
    if (spec_.rows == 1) {
      cblas_sgemv(transposed ? CblasColMajor : CblasRowMajor, CblasNoTrans, outputs, inputs, 1.0f, weight_.data(),
                  transposed ? outputs : inputs, x, 1, 1.0f, y, 1);
    } else {
      cblas_sgemm(CblasRowMajor, CblasNoTrans, transposed ? CblasNoTrans : CblasTrans, static_cast<blasint>(spec_.rows),
                  outputs, inputs, 1.0f, x, static_cast<blasint>(spec_.input_stride), weight_.data(),
                  transposed ? outputs : inputs, 1.0f, y, static_cast<blasint>(spec_.output_stride));
    }
    if (spec_.relu_outputs) glue::relu(y, spec_.rows, spec_.output_stride, spec_.relu_outputs);
  }

  static std::vector<int> tunings(std::size_t) { return {kOutputsOutermost, kInputsOutermost}; }

 private:
  ProductSpec spec_;
  int storage_;
  AlignedFloats weight_, bias_;
};

}  // namespace

std::unique_ptr<Engine> make_openblas(const EngineOptions&) {
  openblas_set_num_threads(1);
  return std::make_unique<AssembledEngine<OpenblasProduct>>();
}

}  // namespace mmoe::bench
