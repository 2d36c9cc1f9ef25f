// Eigen's products: its vector product for single rows (weights stored either way: `tuning`), its matrix product
// for more. Eigen has no prepacked weights and no fused epilogue.
#define EIGEN_DONT_PARALLELIZE  // one thread, whatever flags another engine brings in
#include <Eigen/Core>

#include "tests/bench/assembled_engine.h"
#include "tests/bench/engines.h"

namespace mmoe::bench {
namespace {

enum Storage { kInputsOutermost = 0, kOutputsOutermost = 1 };

class EigenProduct {
 public:
  EigenProduct(const ProductSpec& spec, int storage)
      : spec_(spec), storage_(storage), weight_(spec.inputs * spec.outputs), bias_(spec.outputs) {
    const Eigen::Map<const RowMajor> weight(spec.weight, rows(spec.outputs), rows(spec.inputs));
    if (storage == kInputsOutermost) {
      Eigen::Map<ColMajor>(weight_.data(), rows(spec.outputs), rows(spec.inputs)) = weight;
    } else {
      Eigen::Map<RowMajor>(weight_.data(), rows(spec.outputs), rows(spec.inputs)) = weight;
    }
    std::copy(spec.bias, spec.bias + spec.outputs, bias_.data());
  }

  void run(const float* x, float* y) {
    if (storage_ == kInputsOutermost) {
      run_with(weight_as<ColMajor>(), x, y);
    } else {
      run_with(weight_as<RowMajor>(), x, y);
    }
  }

  static std::vector<int> tunings(std::size_t) { return {kInputsOutermost, kOutputsOutermost}; }

 private:
  using RowMajor = Eigen::Matrix<float, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
  using ColMajor = Eigen::Matrix<float, Eigen::Dynamic, Eigen::Dynamic, Eigen::ColMajor>;
  using Stride = Eigen::OuterStride<>;

  static Eigen::Index rows(std::size_t size) { return static_cast<Eigen::Index>(size); }

  template <class Matrix>
  Eigen::Map<const Matrix, Eigen::Aligned64> weight_as() const {
    return {weight_.data(), rows(spec_.outputs), rows(spec_.inputs)};
  }

  template <class Weight>
  void run_with(const Weight& weight, const float* x, float* y) const {
    if (spec_.rows == 1) {
      Eigen::Map<Eigen::VectorXf, Eigen::Aligned64> out(y, rows(spec_.outputs));
      out = Eigen::Map<const Eigen::VectorXf, Eigen::Aligned64>(bias_.data(), rows(spec_.outputs));
      out.noalias() += weight * Eigen::Map<const Eigen::VectorXf>(x, rows(spec_.inputs));
      glue::relu(y, 1, 0, spec_.relu_outputs);
      return;
    }
    // Rows of the batch as columns: both operands are then column-major, the order that Eigen's kernel is made for.
    const Stride in_stride(rows(spec_.input_stride)), out_stride(rows(spec_.output_stride));
    const Eigen::Map<const ColMajor, 0, Stride> in(x, rows(spec_.inputs), rows(spec_.rows), in_stride);
    Eigen::Map<ColMajor, 0, Stride> out(y, rows(spec_.outputs), rows(spec_.rows), out_stride);
    out.noalias() = weight * in;
    glue::add_bias(y, spec_.rows, spec_.output_stride, spec_.outputs, bias_.data(), spec_.relu_outputs);
  }

  ProductSpec spec_;
  int storage_;
  AlignedFloats weight_, bias_;
};

}  // namespace

std::unique_ptr<Engine> make_eigen(const EngineOptions&) { return std::make_unique<AssembledEngine<EigenProduct>>(); }

}  // namespace mmoe::bench
