// XNNPACK's fully connected operator: it packs the weights when it is made, and clamps in the product's epilogue.
#include <xnnpack.h>

#include <limits>

#include "tests/bench/assembled_engine.h"
#include "tests/bench/engines.h"

namespace mmoe::bench {
namespace {

void require(xnn_status status) {
  if (status != xnn_status_success) throw std::runtime_error("XNNPACK: status " + std::to_string(status));
}

class XnnpackProduct {
 public:
  XnnpackProduct(const ProductSpec& spec, int) : spec_(spec) {
    constexpr float infinity = std::numeric_limits<float>::infinity();
    const bool all_relu = spec.relu_outputs == spec.outputs;
    xnn_operator_t made = nullptr;
    require(xnn_create_fully_connected_nc_f32(spec.inputs, spec.outputs, spec.input_stride, spec.output_stride,
                                              spec.weight, spec.bias, all_relu ? 0 : -infinity, infinity, 0, &made));
    operator_.reset(made);
    relu_after_ = all_relu ? 0 : spec.relu_outputs;
  }

  void run(const float* x, float* y) {
    // The set-up only stores pointers and tile sizes: what a caller with fixed buffers does once.
    if (x != x_ || y != y_) {
      require(xnn_setup_fully_connected_nc_f32(operator_.get(), spec_.rows, x, y, nullptr));
      x_ = x;
      y_ = y;
    }
    xnn_run_operator(operator_.get(), nullptr);
    if (relu_after_) glue::relu(y, spec_.rows, spec_.output_stride, relu_after_);
  }

  static std::vector<int> tunings(std::size_t) { return {0}; }

 private:
  struct Delete {
    void operator()(xnn_operator_t made) const { xnn_delete_operator(made); }
  };
  ProductSpec spec_;
  std::unique_ptr<xnn_operator, Delete> operator_;
  std::size_t relu_after_ = 0;
  const float* x_ = nullptr;
  float* y_ = nullptr;
};

}  // namespace

std::unique_ptr<Engine> make_xnnpack(const EngineOptions&) {
  if (xnn_initialize(nullptr) != xnn_status_success) throw Unavailable("XNNPACK does not support this machine");
  return std::make_unique<AssembledEngine<XnnpackProduct>>();
}

}  // namespace mmoe::bench
