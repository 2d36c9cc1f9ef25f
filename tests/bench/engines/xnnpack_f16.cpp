// XNNPACK's fully connected operator in f16: inputs, weights, sums and outputs. The rows are narrowed before each layer
// and widened after it, which for layers of hundreds of inputs and outputs costs little.
#include <xnnpack.h>

#include <limits>

#include "tests/bench/assembled_engine.h"
#include "tests/bench/engines.h"
#include "tests/bench/halves.h"

namespace mmoe::bench {
namespace {

void require(xnn_status status) {
  if (status != xnn_status_success) throw std::runtime_error("XNNPACK: status " + std::to_string(status));
}

class XnnpackF16Product {
 public:
  XnnpackF16Product(const ProductSpec& spec, int)
      : spec_(spec), x_(spec.rows * spec.inputs + kHalvesBeyond), y_(spec.rows * spec.outputs + kHalvesBeyond) {
    constexpr float infinity = std::numeric_limits<float>::infinity();
    const bool all_relu = spec.relu_outputs == spec.outputs;
    Halves weight(spec.inputs * spec.outputs), bias(spec.outputs);
    to_f16(spec.weight, weight.size(), weight.data());
    to_f16(spec.bias, bias.size(), bias.data());
    xnn_operator_t made = nullptr;
    require(xnn_create_fully_connected_nc_f16(spec.inputs, spec.outputs, spec.inputs, spec.outputs, weight.data(),
                                              bias.data(), all_relu ? 0 : -infinity, infinity, 0, &made));
    operator_.reset(made);
    require(xnn_setup_fully_connected_nc_f16(made, spec.rows, x_.data(), y_.data(), nullptr));
    relu_after_ = all_relu ? 0 : spec.relu_outputs;
  }

  void run(const float* x, float* y) {
    for (std::size_t r = 0; r < spec_.rows; ++r) {
      to_f16(x + r * spec_.input_stride, spec_.inputs, x_.data() + r * spec_.inputs);
    }
    xnn_run_operator(operator_.get(), nullptr);
    for (std::size_t r = 0; r < spec_.rows; ++r) {
      from_f16(y_.data() + r * spec_.outputs, spec_.outputs, y + r * spec_.output_stride);
    }
    if (relu_after_) glue::relu(y, spec_.rows, spec_.output_stride, relu_after_);
  }

  static std::vector<int> tunings(std::size_t) { return {0}; }

 private:
  struct Delete {
    void operator()(xnn_operator_t made) const { xnn_delete_operator(made); }
  };
  ProductSpec spec_;
  Halves x_, y_;
  std::unique_ptr<xnn_operator, Delete> operator_;
  std::size_t relu_after_ = 0;
};

}  // namespace

std::unique_ptr<Engine> make_xnnpack_f16(const EngineOptions&) {
  if (!kHasF16) throw Unavailable("this build has no conversion to f16");
  if (xnn_initialize(nullptr) != xnn_status_success) throw Unavailable("XNNPACK does not support this machine");
  const Halves weight(64), bias(8);
  xnn_operator_t made = nullptr;
  if (xnn_create_fully_connected_nc_f16(8, 8, 8, 8, weight.data(), bias.data(), 0, 1, 0, &made) != xnn_status_success) {
    throw Unavailable("XNNPACK has no f16 for this machine");
  }
  xnn_delete_operator(made);
  return std::make_unique<AssembledEngine<XnnpackF16Product>>();
}

// Inputs quantised by row and weights by output, as ours: xnn_create_fully_connected_nc_qd8_f32_qc8w.
std::unique_ptr<Engine> make_xnnpack_qd8(const EngineOptions&) {
  throw Unavailable("Debian 12's version has no products of 8 bits with inputs quantised as they come (qd8)");
}

}  // namespace mmoe::bench
