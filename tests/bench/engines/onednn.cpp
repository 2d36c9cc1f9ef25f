// oneDNN: inner product or matmul (`tuning`), weights reordered once into the layout that the primitive asks for,
// ReLU as a post-operation where it covers all outputs.
#include <unordered_map>

#include "tests/bench/assembled_engine.h"
#include "tests/bench/engines.h"
#include "tests/bench/engines/onednn_common.h"

namespace mmoe::bench {
namespace {

using dnnl::memory;

enum Primitive { kInnerProduct = 0, kMatmul = 1 };

class OnednnProduct {
 public:
  OnednnProduct(const ProductSpec& spec, int primitive) : spec_(spec), bias_values_(spec.outputs) {
    std::copy(spec.bias, spec.bias + spec.outputs, bias_values_.data());
    if (spec.relu_outputs != spec.outputs) relu_after_ = spec.relu_outputs;
    if (primitive == kInnerProduct) {
      make_inner_product();
    } else {
      make_matmul();
    }
  }

  void run(const float* x, float* y) {
    source_.set_data_handle(const_cast<float*>(x));
    target_.set_data_handle(y);
    primitive_.execute(onednn_stream(), arguments_);
    if (relu_after_) glue::relu(y, spec_.rows, spec_.output_stride, relu_after_);
  }

  static std::vector<int> tunings(std::size_t) { return {kInnerProduct, kMatmul}; }

 private:
  memory::desc rows_desc(std::size_t columns, std::size_t stride) const {
    return {{onednn_dim(spec_.rows), onednn_dim(columns)}, memory::data_type::f32, {onednn_dim(stride), 1}};
  }

  dnnl::primitive_attr attributes() const {
    dnnl::primitive_attr attr;
    if (spec_.relu_outputs == spec_.outputs) {
      dnnl::post_ops relu;
      relu.append_eltwise(1.0f, dnnl::algorithm::eltwise_relu, 0.0f, 0.0f);
      attr.set_post_ops(relu);
    }
    return attr;
  }

  void make_inner_product() {
    const memory::desc any({onednn_dim(spec_.outputs), onednn_dim(spec_.inputs)}, memory::data_type::f32,
                           memory::format_tag::any);
    const memory::desc bias({onednn_dim(spec_.outputs)}, memory::data_type::f32, memory::format_tag::a);
    const dnnl::inner_product_forward::desc desc(dnnl::prop_kind::forward_inference,
                                                 rows_desc(spec_.inputs, spec_.input_stride), any, bias,
                                                 rows_desc(spec_.outputs, spec_.output_stride));
    const dnnl::inner_product_forward::primitive_desc made(desc, attributes(), onednn_cpu());
    primitive_ = dnnl::inner_product_forward(made);
    bind(made, bias,
         {{onednn_dim(spec_.outputs), onednn_dim(spec_.inputs)}, memory::data_type::f32, memory::format_tag::ab});
  }

  void make_matmul() {
    const memory::desc any({onednn_dim(spec_.inputs), onednn_dim(spec_.outputs)}, memory::data_type::f32,
                           memory::format_tag::any);
    const memory::desc bias({1, onednn_dim(spec_.outputs)}, memory::data_type::f32, memory::format_tag::ab);
    const dnnl::matmul::desc desc(rows_desc(spec_.inputs, spec_.input_stride), any, bias,
                                  rows_desc(spec_.outputs, spec_.output_stride));
    const dnnl::matmul::primitive_desc made(desc, attributes(), onednn_cpu());
    primitive_ = dnnl::matmul(made);
    bind(made, bias,
         {{onednn_dim(spec_.inputs), onednn_dim(spec_.outputs)}, memory::data_type::f32, memory::format_tag::ba});
  }

  // `given` describes the [outputs, inputs] weights of the specification as this primitive sees them.
  template <class PrimitiveDesc>
  void bind(const PrimitiveDesc& made, const memory::desc& bias, const memory::desc& given) {
    refuse_reference(made.impl_info_str());
    memory plain(given, onednn_cpu(), const_cast<float*>(spec_.weight));
    weight_ = memory(made.weights_desc(), onednn_cpu());
    dnnl::reorder(plain, weight_).execute(onednn_stream(), plain, weight_);
    onednn_stream().wait();
    source_ = memory(made.src_desc(), onednn_cpu(), nullptr);
    target_ = memory(made.dst_desc(), onednn_cpu(), nullptr);
    arguments_ = {{DNNL_ARG_SRC, source_},
                  {DNNL_ARG_WEIGHTS, weight_},
                  {DNNL_ARG_BIAS, memory(bias, onednn_cpu(), bias_values_.data())},
                  {DNNL_ARG_DST, target_}};
  }

  ProductSpec spec_;
  AlignedFloats bias_values_;
  std::size_t relu_after_ = 0;
  dnnl::primitive primitive_;
  memory weight_, source_, target_;
  std::unordered_map<int, memory> arguments_;
};

}  // namespace

std::unique_ptr<Engine> make_onednn(const EngineOptions&) {
  omp_set_num_threads(1);
  return std::make_unique<AssembledEngine<OnednnProduct>>(onednn_instructions());
}

}  // namespace mmoe::bench
