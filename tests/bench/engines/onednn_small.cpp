// oneDNN's matmul in bf16, and in 8 bits: weights reordered once into the layout that the primitive asks for, rows
// converted before each layer.
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <unordered_map>

#include "tests/bench/assembled_engine.h"
#include "tests/bench/engines.h"
#include "tests/bench/engines/onednn_common.h"
#include "tests/bench/halves.h"

namespace mmoe::bench {
namespace {

using dnnl::memory;

/// y [rows, outputs] = x [rows, inputs] W^T, with x in a type of its own and y in f32.
class SmallMatmul {
 public:
  void make(const ProductSpec& spec, memory::data_type type, const dnnl::primitive_attr& attributes,
            const void* weight) {
    const memory::dim rows = onednn_dim(spec.rows), inputs = onednn_dim(spec.inputs);
    const memory::dim outputs = onednn_dim(spec.outputs);
    const memory::data_type weight_type = type == memory::data_type::bf16 ? type : memory::data_type::s8;
    const dnnl::matmul::desc desc(
        memory::desc({rows, inputs}, type, memory::dims{inputs, 1}),
        memory::desc({inputs, outputs}, weight_type, memory::format_tag::any),
        memory::desc({rows, outputs}, memory::data_type::f32, memory::dims{onednn_dim(spec.output_stride), 1}));
    const dnnl::matmul::primitive_desc made(desc, attributes, onednn_cpu());
    refuse_reference(made.impl_info_str());
    primitive_ = dnnl::matmul(made);
    memory plain({{inputs, outputs}, weight_type, memory::format_tag::ba}, onednn_cpu(), const_cast<void*>(weight));
    weight_ = memory(made.weights_desc(), onednn_cpu());
    dnnl::reorder(plain, weight_).execute(onednn_stream(), plain, weight_);
    onednn_stream().wait();
    source_ = memory(made.src_desc(), onednn_cpu(), nullptr);
    target_ = memory(made.dst_desc(), onednn_cpu(), nullptr);
    arguments_ = {{DNNL_ARG_SRC, source_}, {DNNL_ARG_WEIGHTS, weight_}, {DNNL_ARG_DST, target_}};
  }

  void run(const void* x, float* y) {
    source_.set_data_handle(const_cast<void*>(x));
    target_.set_data_handle(y);
    primitive_.execute(onednn_stream(), arguments_);
  }

 private:
  dnnl::primitive primitive_;
  memory weight_, source_, target_;
  std::unordered_map<int, memory> arguments_;
};

class OnednnBf16Product {
 public:
  OnednnBf16Product(const ProductSpec& spec, int)
      : spec_(spec), bias_(spec.bias, spec.bias + spec.outputs), x_(spec.rows * spec.inputs + kHalvesBeyond) {
    Halves weight(spec.inputs * spec.outputs);
    to_bf16(spec.weight, weight.size(), weight.data());
    matmul_.make(spec, memory::data_type::bf16, {}, weight.data());
  }

  void run(const float* x, float* y) {
    for (std::size_t r = 0; r < spec_.rows; ++r) {
      to_bf16(x + r * spec_.input_stride, spec_.inputs, x_.data() + r * spec_.inputs);
    }
    matmul_.run(x_.data(), y);
    glue::add_bias(y, spec_.rows, spec_.output_stride, spec_.outputs, bias_.data(), spec_.relu_outputs);
  }

  static std::vector<int> tunings(std::size_t) { return {0}; }

 private:
  ProductSpec spec_;
  std::vector<float> bias_;
  Halves x_;
  SmallMatmul matmul_;
};

/// `tuning` is the number of the largest weight: 127, or 63 where products of 8 bits saturate, as oneDNN's manual
/// recommends for processors without VNNI. One scale per row of inputs and one per output.
class OnednnInt8Product {
 public:
  OnednnInt8Product(const ProductSpec& spec, int largest)
      : spec_(spec),
        bias_(spec.bias, spec.bias + spec.outputs),
        x_(spec.rows * spec.inputs + kHalvesBeyond),
        row_scales_(spec.rows) {
    std::vector<std::int8_t> weight(spec.inputs * spec.outputs);
    std::vector<float> scales(spec.outputs);
    for (std::size_t o = 0; o < spec.outputs; ++o) {
      scales[o] = quantise(spec.weight + o * spec.inputs, spec.inputs, static_cast<float>(largest),
                           weight.data() + o * spec.inputs);
    }
    dnnl::primitive_attr attributes;
    attributes.set_output_scales(1 << 1, scales);
    matmul_.make(spec, memory::data_type::s8, attributes, weight.data());
  }

  void run(const float* x, float* y) {
    for (std::size_t r = 0; r < spec_.rows; ++r) {
      row_scales_[r] = quantise(x + r * spec_.input_stride, spec_.inputs, 127, x_.data() + r * spec_.inputs);
    }
    matmul_.run(x_.data(), y);
    for (std::size_t r = 0; r < spec_.rows; ++r) finish(y + r * spec_.output_stride, row_scales_[r]);
  }

  static std::vector<int> tunings(std::size_t) {
    return onednn_has_vnni() ? std::vector<int>{127} : std::vector<int>{63, 127};
  }

 private:
  /// Returns the scale.
  static float quantise(const float* from, std::size_t size, float largest_number, std::int8_t* to) {
    float largest = 0;
#pragma omp simd reduction(max : largest)
    for (std::size_t i = 0; i < size; ++i) largest = std::max(largest, std::fabs(from[i]));
    const float factor = largest > 0 ? largest_number / largest : 0;
    // Adding 1.5 * 2^23 rounds to a whole number, which the low bits then are.
#pragma omp simd
    for (std::size_t i = 0; i < size; ++i) to[i] = static_cast<std::int8_t>(bits_of(from[i] * factor + 12582912.0f));
    return largest / largest_number;
  }

  void finish(float* y, float scale) const {
    const float* bias = bias_.data();
    const std::size_t relu = spec_.relu_outputs;
#pragma omp simd
    for (std::size_t o = 0; o < relu; ++o) y[o] = std::max(y[o] * scale + bias[o], 0.0f);
#pragma omp simd
    for (std::size_t o = relu; o < spec_.outputs; ++o) y[o] = y[o] * scale + bias[o];
  }

  ProductSpec spec_;
  std::vector<float> bias_;
  std::vector<std::int8_t> x_;
  std::vector<float> row_scales_;
  SmallMatmul matmul_;
};

/// Makes a product of the usual kind, so that what the machine lacks is known at once.
template <class Product>
void require_product(int tuning) {
  omp_set_num_threads(1);
  const std::vector<float> weight(64 * 32, 1.0f), bias(32);
  try {
    Product(ProductSpec{8, 64, 32, 64, 32, weight.data(), bias.data(), 32}, tuning);
  } catch (const std::exception& error) {
    throw Unavailable(std::string("oneDNN has no fast code for this processor: ") + error.what());
  }
}

}  // namespace

std::unique_ptr<Engine> make_onednn_bf16(const EngineOptions&) {
  require_product<OnednnBf16Product>(0);
  return std::make_unique<AssembledEngine<OnednnBf16Product>>(onednn_instructions());
}

std::unique_ptr<Engine> make_onednn_int8(const EngineOptions&) {
  require_product<OnednnInt8Product>(127);
  return std::make_unique<AssembledEngine<OnednnInt8Product>>(onednn_instructions());
}

}  // namespace mmoe::bench
