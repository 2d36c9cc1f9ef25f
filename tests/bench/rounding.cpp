#include "tests/bench/rounding.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <vector>

namespace mmoe::bench {
namespace {

using Floats = std::vector<float>;

constexpr float kFactor = 10;

/// To the nearest float that ends in kBits zeros; ties to even. f16's subnormal numbers are not made, whose errors are
/// below 2^-25. Not by additions, which the compiler may contract here.
template <int kBits>
float without_last_bits(float value) {
  std::uint32_t bits;
  std::memcpy(&bits, &value, sizeof bits);
  constexpr std::uint32_t half = (std::uint32_t{1} << (kBits - 1)) - 1;
  bits += half + ((bits >> kBits) & 1);
  bits &= ~((std::uint32_t{1} << kBits) - 1);
  std::memcpy(&value, &bits, sizeof bits);
  return value;
}
float to_f16(float value) { return without_last_bits<13>(value); }
float to_bf16(float value) { return without_last_bits<16>(value); }

void round_to_bytes(Floats& values) {
  float largest = 0;
  for (const float value : values) largest = std::max(largest, std::fabs(value));
  if (largest == 0) return;
  const float scale = largest / 127;
  for (float& value : values) value = std::nearbyint(value / scale) * scale;
}

void round_weights(Numbers numbers, Floats& values) {
  switch (numbers) {
    case Numbers::kF32: return;
    case Numbers::kF16:
    case Numbers::kF16Sums: std::transform(values.begin(), values.end(), values.begin(), to_f16); return;
    case Numbers::kBf16: std::transform(values.begin(), values.end(), values.begin(), to_bf16); return;
    case Numbers::kI8:
    case Numbers::kW8a8: return round_to_bytes(values);
  }
}

void round_inputs(Numbers numbers, Floats& values) {
  if (numbers != Numbers::kI8) round_weights(numbers, values);
}

/// rows x network in numbers of one type.
class Evaluation {
 public:
  Evaluation(const Network& network, Numbers numbers, std::size_t rows)
      : network_(network), numbers_(numbers), rows_(rows) {}

  Floats scores(const float* x) const {
    const Floats inputs(x, x + rows_ * network_.input_dim);
    std::vector<Floats> experts;
    for (const auto& layers : network_.experts) experts.push_back(mlp(layers, inputs, true));
    const std::size_t num_tasks = network_.num_tasks();
    Floats scores(rows_ * num_tasks);
    for (std::size_t t = 0; t < num_tasks; ++t) {
      const Floats logits = mlp(network_.towers[t], mix(experts, dense(network_.gates[t], inputs)), false);
      for (std::size_t r = 0; r < rows_; ++r) scores[r * num_tasks + t] = 1 / (1 + std::exp(-logits[r]));
    }
    return scores;
  }

 private:
  Floats mlp(const std::vector<Layer>& layers, Floats stream, bool relu_at_end) const {
    for (const Layer& layer : layers) {
      stream = dense(layer, std::move(stream));
      if (&layer == &layers.back() && !relu_at_end) break;
      for (float& value : stream) value = std::max(value, 0.0f);
    }
    return stream;
  }

  Floats dense(const Layer& layer, Floats inputs) const {
    round_inputs(numbers_, inputs);
    Floats rounded = layer.weight, by_input(rounded.size()), out(rows_ * layer.outputs);
    round_weights(numbers_, rounded);
    for (std::size_t o = 0; o < layer.outputs; ++o) {
      for (std::size_t i = 0; i < layer.inputs; ++i) by_input[i * layer.outputs + o] = rounded[o * layer.inputs + i];
    }
    for (std::size_t r = 0; r < rows_; ++r) {
      float* sums = out.data() + r * layer.outputs;
      std::copy(layer.bias.begin(), layer.bias.end(), sums);
      for (std::size_t i = 0; i < layer.inputs; ++i) {
        add_product(inputs[r * layer.inputs + i], by_input.data() + i * layer.outputs, layer.outputs, sums);
      }
    }
    return out;
  }

  void add_product(float x, const float* weights, std::size_t outputs, float* sums) const {
    if (numbers_ == Numbers::kF16Sums) {
      for (std::size_t o = 0; o < outputs; ++o) sums[o] = to_f16(sums[o] + x * weights[o]);
    } else {
      for (std::size_t o = 0; o < outputs; ++o) sums[o] += x * weights[o];
    }
  }

  Floats mix(const std::vector<Floats>& experts, const Floats& logits) const {
    const std::size_t dim = network_.expert_dim();
    Floats mixed(rows_ * dim);
    for (std::size_t r = 0; r < rows_; ++r) {
      const float* row = logits.data() + r * experts.size();
      const float largest = *std::max_element(row, row + experts.size());
      float sum = 0;
      for (std::size_t e = 0; e < experts.size(); ++e) sum += std::exp(row[e] - largest);
      for (std::size_t e = 0; e < experts.size(); ++e) {
        const float weight = std::exp(row[e] - largest) / sum;
        for (std::size_t i = 0; i < dim; ++i) mixed[r * dim + i] += weight * experts[e][r * dim + i];
      }
    }
    return mixed;
  }

  const Network& network_;
  Numbers numbers_;
  std::size_t rows_;
};

float root_mean_square(const Floats& a, const Floats& b) {
  double sum = 0;
  for (std::size_t i = 0; i < a.size(); ++i) sum += (double{a[i]} - b[i]) * (double{a[i]} - b[i]);
  return static_cast<float>(std::sqrt(sum / static_cast<double>(a.size())));
}

}  // namespace

Limits rounding_limits(const Network& network, const float* x, std::size_t rows, float f32) {
  const Floats exact = Evaluation(network, Numbers::kF32, rows).scores(x);
  Limits limits;
  for (std::size_t n = 0; n < kNumNumbers; ++n) {
    const Floats rounded = Evaluation(network, static_cast<Numbers>(n), rows).scores(x);
    limits[n] = f32 + kFactor * root_mean_square(rounded, exact);
  }
  return limits;
}

}  // namespace mmoe::bench
