// The numerics contract in plain loops: the set "scalar", the exact oracle of the tests, and what the sets without
// xsimd take from it. It is written to be read, not to be fast.
#include <cmath>

#include "kernels/assertion.h"
#include "kernels/constants.h"
#include "kernels/fused.h"
#include "kernels/kernels.h"
#include "kernels/panel16.h"
#include "kernels/preconditions.h"
#include "kernels/reference.h"
#include "kernels/stored.h"

namespace mmoe::kernels {
namespace reference {
namespace {

// 2^n for -126 <= n <= 127, by its bits: the C library's ldexp would be larger than all that is around it.
float power_of_two(int n) {
  const std::uint32_t bits = static_cast<std::uint32_t>(n + 127) << 23;
  float power;
  __builtin_memcpy(&power, &bits, sizeof power);
  return power;
}

// e^x for x <= 0.
float exp_nonpositive(float x) {
  if (x < kExpMin) return 0.0f;
  const float n = fused(x, kLog2E, kRoundMagic) - kRoundMagic;
  float r = fused(n, -kLn2High, x);
  r = fused(n, -kLn2Low, r);
  float p = kExpPoly[0];
  for (int i = 1; i < 6; ++i) p = fused(p, r, kExpPoly[i]);
  p = fused(p, r * r, r) + 1.0f;
  return std::isnan(x) ? x : p * power_of_two(static_cast<int>(n));
}

// e^-|x|
float decay(float x) { return exp_nonpositive(x < 0 ? x : -x); }

float sigmoid(float x) {
  const float z = decay(x);
  return (x < 0 ? z : 1.0f) / (1.0f + z);
}

float tanh(float x) {
  const float negative = x < 0 ? x : -x;
  if (-kTanhSmall < negative) {
    const float square = x * x;
    float p = kTanhPoly[0];
    for (int i = 1; i < 5; ++i) p = fused(p, square, kTanhPoly[i]);
    return fused(p * square, x, x);
  }
  const float z = exp_nonpositive(negative + negative);
  const float large = (1.0f - z) / (1.0f + z);
  return x < 0 ? -large : large;
}

// Divided by 1 a number stays what it is: elu and selu are as without it.
float elu(float x, float alpha, float divisor) { return x < 0 ? alpha * (exp_nonpositive(x / divisor) - 1.0f) : x; }

float gelu(float x) {
  const float t = 1.0f / fused(x < 0 ? -x : x, kTailScale, 1.0f);
  float p = kTailPoly[0];
  for (int i = 1; i < 6; ++i) p = fused(p, t, kTailPoly[i]);
  const float tail = x * (p * t * exp_nonpositive(x * x * -0.5f));
  return x < 0 ? tail : x - tail;
}

float gelu_tanh(float x) { return x * sigmoid(x * fused(x * x, kGeluCubic, kGeluLinear)); }

float softplus(float x) {
  const float z = decay(x);
  const float s = z / (z + 2.0f);
  float p = kLogPoly[0];
  for (int i = 1; i < 5; ++i) p = fused(p, s * s, kLogPoly[i]);
  return fused(s + s, p, x < 0 ? 0.0f : x);
}

float exp(float x) {
  const float z = decay(x);
  return x < 0 ? z : 1.0f / z;
}

// x tanh(log(1 + e^x)); with z = e^-|x| the tanh is (z^2 + 2 z) / (z^2 + 2 z + 2) below zero,
// (1 + 2 z) / (1 + 2 z + 2 z^2) above.
float mish(float x) {
  const float z = decay(x);
  const float twice = z + z;
  const float above = x < 0 ? z * (z + 2.0f) : 1.0f + twice;
  return x * (above / (above + (x < 0 ? 2.0f : twice * z)));
}

float clamp(float x, float lower, float upper) {
  const float y = x < lower ? lower : x;
  return upper < y ? upper : y;
}

float hard_sigmoid(float x, float slope, float offset) { return clamp(fused(slope, x, offset), 0.0f, 1.0f); }

float activate_one(Activation activation, float alpha, float beta, float x) {
  if (static_cast<unsigned>(activation) >= kNumActivations) return x;  // this build has no more: MMOE_EXTRAS
  switch (activation) {
    case Activation::kIdentity: return x;
    case Activation::kRelu: return x < 0 ? 0.0f : x;
    case Activation::kLeakyRelu:
    case Activation::kPRelu: return x < 0 ? alpha * x : x;
    case Activation::kElu: return elu(x, alpha, 1.0f);
    case Activation::kSelu: return kSeluScale * elu(x, kSeluAlpha, 1.0f);
    case Activation::kSigmoid: return sigmoid(x);
    case Activation::kTanh: return tanh(x);
    case Activation::kSilu: return x * sigmoid(x);
    case Activation::kGelu: return gelu(x);
    case Activation::kGeluTanh: return gelu_tanh(x);
    case Activation::kSoftplus: return softplus(x);
    case Activation::kCelu: return elu(x, alpha, alpha);
    case Activation::kMish: return mish(x);
    case Activation::kHardSwish: return x * hard_sigmoid(x, kSixth, 0.5f);
    case Activation::kHardSigmoid: return hard_sigmoid(x, alpha, beta);
    case Activation::kClamp: return clamp(x, alpha, beta);
    case Activation::kSwish: return x * sigmoid(alpha * x);
    case Activation::kSoftsign: return x / (1.0f + (x < 0 ? -x : x));
    case Activation::kLogSigmoid: return 0.0f - softplus(-x);
    case Activation::kThreshold: return x <= alpha ? beta : x;
    case Activation::kSquaredRelu: return x < 0 ? 0.0f : x * x;
    case Activation::kExp: return exp(x);
    case Activation::kScaledSoftplus: return softplus(alpha * x) / alpha;
  }
  return x;
}

}  // namespace

namespace {

template <class Stored>
float dense_sum(const DenseArgs& args, const float* input, std::size_t column) {
  const auto* weights = static_cast<const typename Stored::Type*>(args.weights) +
                        column / kPanelWidth * args.panel_stride + column % kPanelWidth;
  float sum = args.start ? args.start[column] : 0.0f;
  for (std::size_t k = 0; k < args.num_inputs; ++k) {
    sum = fused(input[k], widen(Stored{}, weights[k * kPanelWidth]), sum);
  }
  return sum;
}

// One output without its activation.
float dense_sum(const DenseArgs& args, const float* input, std::size_t column) {
  float sum = 0.0f;
  with_weights(args.type, [&](auto stored) { sum = dense_sum<decltype(stored)>(args, input, column); });
  const bool scaled = args.type == WeightType::kI8 && args.scales;
  return scaled ? sum * args.scales[column] + args.bias[column] : sum;
}

}  // namespace

void dense(const DenseArgs& args) {
  MMOE_REQUIRE(args);
  if (kHasW8A8 && args.type == WeightType::kW8A8) {
    multiply_w8a8(args);
    return activate_rows(args);
  }
  for (std::size_t i = 0; i < args.num_rows; ++i) {
    const std::size_t row = args.rows ? args.rows[i] : i;
    const float* input = args.input + row * args.input_stride;
    float* output = args.output + row * args.output_stride;
    for (std::size_t column = 0; column < args.num_panels * kPanelWidth; ++column) {
      const float sum = dense_sum(args, input, column);
      const bool activated = column < args.num_activated * kPanelWidth;
      const float alpha = activated && args.activation == Activation::kPRelu ? args.slopes[column] : args.alpha;
      output[column] = activated ? activate_one(args.activation, alpha, args.beta, sum) : sum;
    }
  }
}

void activate(Activation activation, float alpha, float beta, float* data, std::size_t size) {
  MMOE_ASSERT(size % kPanelWidth == 0);
  for (std::size_t i = 0; i < size; ++i) data[i] = activate_one(activation, alpha, beta, data[i]);
}

void activate_rows(const DenseArgs& args) {
  for (std::size_t i = 0; i < args.num_rows; ++i) {
    float* output = args.output + (args.rows ? args.rows[i] : i) * args.output_stride;
    const std::size_t size = args.num_activated * kPanelWidth;
    if (args.activation != Activation::kPRelu) {
      activate(args.activation, args.alpha, args.beta, output, size);
      continue;
    }
    for (std::size_t c = 0; c < size; ++c) output[c] = output[c] < 0 ? args.slopes[c] * output[c] : output[c];
  }
}

namespace {

void normalise_row(const NormArgs& args, float* data) {
  const float count = static_cast<float>(args.width);
  float mean = 0.0f;
  float deviation = 1.0f;
  if (args.over_row) {
    float sum = 0.0f;
    float squares = 0.0f;
    for (std::size_t i = 0; i < args.width; ++i) sum += data[i];
    mean = sum / count;
    for (std::size_t i = 0; i < args.width; ++i) {
      const float distance = data[i] - mean;
      squares += distance * distance;
    }
    deviation = std::sqrt(squares / count + args.epsilon);
  }
  for (std::size_t i = 0; i < args.width; ++i) {
    const float x = data[i];
    const float y = fused(args.scale[i], args.over_row ? (x - mean) / deviation : x, args.shift[i]);
    if (args.dice) {
      const float below = args.slopes[i] * x;
      data[i] = fused(sigmoid(y), x - below, below);
    } else {
      const float alpha = args.activation == Activation::kPRelu ? args.slopes[i] : args.alpha;
      data[i] = activate_one(args.activation, alpha, args.beta, y);
    }
  }
}

}  // namespace

void normalise(const NormArgs& args) {
  MMOE_REQUIRE(args);
  for (std::size_t i = 0; i < args.num_rows; ++i) {
    normalise_row(args, args.data + (args.rows ? args.rows[i] : i) * args.stride);
  }
}

namespace {

// Whether expert a ranks before expert b: larger logit first, NaN before all, then the lower index.
bool ranks_before(const float* logits, std::size_t a, std::size_t b) {
  const bool nan_a = std::isnan(logits[a]);
  const bool nan_b = std::isnan(logits[b]);
  if (nan_a != nan_b) return nan_a;
  if (!nan_a && logits[a] != logits[b]) return logits[a] > logits[b];
  return a < b;
}

bool in_top_k(const float* logits, std::size_t num_experts, std::size_t top_k, std::size_t expert) {
  std::size_t better = 0;
  for (std::size_t other = 0; other < num_experts; ++other) better += ranks_before(logits, other, expert);
  return better < top_k;
}

void softmax(const float* logits, std::size_t size, float* weights) {
  float largest = logits[0];
  for (std::size_t e = 1; e < size; ++e) largest = logits[e] > largest ? logits[e] : largest;
  float sum = 0.0f;
  for (std::size_t e = 0; e < size; ++e) {
    weights[e] = exp_nonpositive(logits[e] - largest);
    sum += weights[e];
  }
  for (std::size_t e = 0; e < size; ++e) weights[e] /= sum;
}

// From 0 at -1/2 to 1 at 1/2, level at both ends.
float smooth_step(float x) {
  const float u = clamp(x, -0.5f, 0.5f);
  return fused(u, fused(-2.0f, u * u, 1.5f), 0.5f);
}

// What one selector gives an expert.
float selected_part(const float* logits, std::size_t num_bits, std::size_t expert) {
  float product = 1.0f;
  for (std::size_t bit = 0; bit < num_bits; ++bit) {
    const float step = smooth_step(logits[bit]);
    product *= (expert >> (num_bits - 1 - bit)) % 2 == 1 ? step : 1.0f - step;
  }
  return product;
}

void smooth_step_weights(const GateArgs& args, const float* logits, float* weights) {
  const std::size_t num_bits = selector_bits(args.num_experts);
  float shares[kMaxSelectors];
  softmax(logits + args.num_selectors * num_bits, args.num_selectors, shares);
  for (std::size_t e = 0; e < args.num_experts; ++e) {
    for (std::size_t i = 0; i < args.num_selectors; ++i) {
      const float part = selected_part(logits + i * num_bits, num_bits, e);
      weights[e] = i == 0 ? shares[i] * part : fused(shares[i], part, weights[e]);
    }
  }
}

// Of gates that are no softmax.
void function_row(const GateArgs& args, const float* logits, float* weights, std::uint16_t* selected) {
  if (args.function == GateFunction::kSmoothStep) {
    smooth_step_weights(args, logits, weights);
  } else {
    for (std::size_t e = 0; e < args.num_experts; ++e) weights[e] = logits[e];
  }
  if (args.top_k == 0) return;
  std::size_t count = 0;
  for (std::size_t e = 0; e < args.num_experts; ++e) {
    if (in_top_k(weights, args.num_experts, args.top_k, e)) selected[count++] = static_cast<std::uint16_t>(e);
  }
  for (std::size_t j = 0; j < args.top_k; ++j) weights[j] = weights[selected[j]];
}

void gate_row(const GateArgs& args, const float* logits, float* weights, std::uint16_t* selected) {
  if (kHasGateFunctions && args.function != GateFunction::kSoftmax) {
    return function_row(args, logits, weights, selected);
  }
  if (args.top_k == 0) return softmax(logits, args.num_experts, weights);
  const float* from = logits;
  if (args.top_k_of_softmax) {
    softmax(logits, args.num_experts, weights);
    from = weights;
  }
  std::size_t count = 0;
  for (std::size_t e = 0; e < args.num_experts; ++e) {
    if (!in_top_k(logits, args.num_experts, args.top_k, e)) continue;
    selected[count] = static_cast<std::uint16_t>(e);
    weights[count++] = from[e];
  }
  if (!args.top_k_of_softmax) softmax(weights, args.top_k, weights);
}

}  // namespace

void gate(const GateArgs& args) {
  MMOE_REQUIRE(args);
  for (std::size_t row = 0; row < args.num_rows; ++row) {
    gate_row(args, args.logits + row * args.logits_stride, args.weights + row * args.weights_stride,
             args.selected + row * args.top_k);
  }
}

namespace {

std::size_t largest_of(const float* weights, std::size_t size) {
  std::size_t largest = 0;
  for (std::size_t e = 1; e < size; ++e) largest = weights[e] > weights[largest] ? e : largest;
  return largest;
}

}  // namespace

void threshold(const ThresholdArgs& args) {
  MMOE_REQUIRE(args);
  for (std::size_t row = 0; row < args.num_rows; ++row) {
    float* weights = args.weights + row * args.weights_stride;
    std::uint16_t* selected = args.selected + row * args.num_experts;
    const std::size_t largest = largest_of(weights, args.num_experts);
    std::size_t count = 0;
    float sum = 0.0f;
    for (std::size_t e = 0; e < args.num_experts; ++e) {
      if (weights[e] < args.threshold && e != largest) continue;
      selected[count] = static_cast<std::uint16_t>(e);
      sum += weights[e];
      weights[count++] = weights[e];
    }
    for (std::size_t j = 0; args.renormalise && j < count; ++j) weights[j] /= sum;
    args.counts[row] = static_cast<std::uint16_t>(count);
  }
}

void mix_experts(const MixArgs& args) {
  MMOE_REQUIRE(args);
  for (std::size_t row = 0; row < args.num_rows; ++row) {
    const std::size_t num_weights = args.counts ? args.counts[row] : args.num_weights;
    const float* weights = args.weights + row * args.weights_stride;
    float* output = args.output + row * args.output_stride;
    for (std::size_t j = 0; j < num_weights; ++j) {
      const std::size_t e = args.selected ? args.selected[row * args.num_weights + j] : j;
      const float* expert = args.experts[e].data + row * args.experts[e].stride;
      for (std::size_t d = 0; d < args.dim; ++d) {
        output[d] = j == 0 ? weights[j] * expert[d] : fused(weights[j], expert[d], output[d]);
      }
    }
  }
}

void scale(const ScaleArgs& args) {
  MMOE_REQUIRE(args);
  for (std::size_t row = 0; row < args.num_rows; ++row) {
    float value = args.values[row * args.stride];
    value = std::isnan(value) ? args.missing : value;
    value = value < args.lower ? args.lower : value;
    value = value > args.upper ? args.upper : value;
    args.output[row * args.output_stride] = (value - args.offset) * args.factor;
  }
}

void lookup(const LookupArgs& args) {
  MMOE_REQUIRE(args);
  for (std::size_t row = 0; row < args.num_rows; ++row) {
    const std::int32_t id = args.ids[row];
    for (std::size_t d = 0; d < args.width; ++d) {
      args.output[row * args.output_stride + d] =
          id < 0 ? 0.0f : table_element(args.type, args.table, args.width, static_cast<std::size_t>(id), d);
    }
  }
}

// What the sum of the rows is divided by; 1 of no rows.
static float pooling_divisor(const PoolArgs& args) {
  if (args.num_ids == 0 || args.pooling == Pooling::kSum || args.pooling == Pooling::kMax) return 1;
  const bool root = kHasWeights && args.pooling == Pooling::kSqrtN;
  float sum = 0;
  for (std::size_t i = 0; kHasWeights && args.weights && i < args.num_ids; ++i) {
    sum += root ? args.weights[i] * args.weights[i] : args.weights[i];
  }
  if (!kHasWeights || !args.weights) sum = static_cast<float>(args.num_ids);
  return root ? std::sqrt(sum) : sum;
}

void pool(const PoolArgs& args) {
  MMOE_REQUIRE(args);
  const auto element = [&args](std::size_t i, std::size_t d) {
    const float x = table_element(args.type, args.table, args.width, static_cast<std::size_t>(args.ids[i]), d);
    return kHasWeights && args.weights ? x * args.weights[i] : x;
  };
  const float divisor = pooling_divisor(args);
  for (std::size_t d = 0; d < args.width; ++d) {
    float pooled = args.num_ids == 0 ? 0.0f : element(0, d);
    for (std::size_t i = 1; i < args.num_ids; ++i) {
      const float x = element(i, d);
      pooled = args.pooling != Pooling::kMax ? pooled + x : pooled < x ? x : pooled;
    }
    args.output[d] = pooled / divisor;
  }
}

bool all_finite(const float* data, std::size_t size) {
  for (std::size_t i = 0; i < size; ++i) {
    if (!std::isfinite(data[i])) return false;
  }
  return true;
}

}  // namespace reference
}  // namespace mmoe::kernels
