// What stands between the products of an MMoE when an expert assembles it from a library of products: bias and
// ReLU, softmax, mixing, towers too narrow for a library, sigmoid. Vectorised, one pass each, no branches: the
// libraries' products must be what is compared, not slow loops around them.
//
// Widths of experts are multiples of kLanes here, as they are in the models of the comparison.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>

namespace mmoe::bench::glue {

constexpr std::size_t kLanes = 16;
using Floats = float __attribute__((vector_size(64)));
using Ints = std::int32_t __attribute__((vector_size(64)));

inline Floats load(const float* p) {
  Floats v;
  std::memcpy(&v, p, sizeof v);
  return v;
}
inline void store(float* p, Floats v) { std::memcpy(p, &v, sizeof v); }

/// e^x to about 2 ulp for x in [-87, 88]; outside, as at the nearer end. 2^n by the exponent field, e^r by its series.
inline Floats exp(Floats x) {
  const Floats low = Floats{} - 87.0f, high = Floats{} + 88.0f;
  x = x < low ? low : x;
  x = x > high ? high : x;
  const Floats shift = Floats{} + 12582912.0f;  // 1.5 * 2^23: adding it rounds to an integer
  const Floats shifted = x * 1.44269504f + shift;
  const Floats n = shifted - shift;
  const Floats r = (x - n * 0.693359375f) + n * 2.12194440e-4f;
  Floats p = r * (1.0f / 720) + 1.0f / 120;
  p = p * r + 1.0f / 24;
  p = p * r + 1.0f / 6;
  p = p * r + 0.5f;
  p = p * r + 1.0f;
  p = p * r + 1.0f;
  return p * reinterpret_cast<Floats>((reinterpret_cast<Ints>(shifted) + 127) << 23);
}

/// In place; reads and writes up to a whole vector beyond the end.
inline void exp_in_place(float* values, std::size_t size) {
  for (std::size_t i = 0; i < size; i += kLanes) store(values + i, exp(load(values + i)));
}

inline void relu(float* y, std::size_t rows, std::size_t stride, std::size_t outputs) {
  for (std::size_t r = 0; r < rows; ++r) {
    float* row = y + r * stride;
#pragma omp simd
    for (std::size_t o = 0; o < outputs; ++o) row[o] = row[o] < 0 ? 0 : row[o];
  }
}

inline void add_bias(float* y, std::size_t rows, std::size_t stride, std::size_t outputs, const float* bias,
                     std::size_t relu_outputs) {
  for (std::size_t r = 0; r < rows; ++r) {
    float* row = y + r * stride;
#pragma omp simd
    for (std::size_t o = 0; o < relu_outputs; ++o) row[o] = std::max(row[o] + bias[o], 0.0f);
#pragma omp simd
    for (std::size_t o = relu_outputs; o < outputs; ++o) row[o] += bias[o];
  }
}

inline void fill_rows(float* y, std::size_t rows, std::size_t stride, std::size_t outputs, const float* values) {
  for (std::size_t r = 0; r < rows; ++r) std::memcpy(y + r * stride, values, outputs * sizeof(float));
}

/// Softmax of groups of kExperts logits: rows of them at a stride -> weights [rows, groups, kExperts] (with room for
/// a vector beyond the end).
template <std::size_t kExperts>
void softmax(const float* logits, std::size_t stride, std::size_t rows, std::size_t groups, float* weights) {
  for (std::size_t r = 0; r < rows; ++r) {
    for (std::size_t g = 0; g < groups; ++g) {
      const float* in = logits + r * stride + g * kExperts;
      float* out = weights + (r * groups + g) * kExperts;
      float largest = in[0];
#pragma omp simd reduction(max : largest)
      for (std::size_t e = 0; e < kExperts; ++e) largest = std::max(largest, in[e]);
#pragma omp simd
      for (std::size_t e = 0; e < kExperts; ++e) out[e] = in[e] - largest;
    }
  }
  exp_in_place(weights, rows * groups * kExperts);
  for (std::size_t g = 0; g < rows * groups; ++g) {
    float* w = weights + g * kExperts;
    float sum = 0;
#pragma omp simd reduction(+ : sum)
    for (std::size_t e = 0; e < kExperts; ++e) sum += w[e];
    const float scale = 1 / sum;
#pragma omp simd
    for (std::size_t e = 0; e < kExperts; ++e) w[e] *= scale;
  }
}

/// One row: every expert's output is read once for all tasks. weights [kTasks, num_experts].
template <std::size_t kTasks>
void mix_row(const float* experts, std::size_t expert_stride, std::size_t num_experts, const float* weights,
             std::size_t dim, float* streams, std::size_t stream_stride) {
  for (std::size_t i = 0; i < dim; i += kLanes) {
    Floats sums[kTasks] = {};
    for (std::size_t e = 0; e < num_experts; ++e) {
      const Floats h = load(experts + e * expert_stride + i);
      for (std::size_t t = 0; t < kTasks; ++t) sums[t] += weights[t * num_experts + e] * h;
    }
    for (std::size_t t = 0; t < kTasks; ++t) store(streams + t * stream_stride + i, sums[t]);
  }
}

/// kRows rows of a ReLU layer of at most kLanes outputs. weight [inputs, kLanes]: the outputs side by side.
template <std::size_t kRows>
void narrow_rows(const float* x, std::size_t x_stride, std::size_t inputs, const float* weight, const float* bias,
                 float* y) {
  Floats even[kRows], odd[kRows] = {};  // two sums: one would wait for each addition
  for (std::size_t r = 0; r < kRows; ++r) even[r] = load(bias);
  std::size_t i = 0;
  for (; i + 2 <= inputs; i += 2) {
    const Floats w0 = load(weight + i * kLanes), w1 = load(weight + (i + 1) * kLanes);
    for (std::size_t r = 0; r < kRows; ++r) {
      even[r] += x[r * x_stride + i] * w0;
      odd[r] += x[r * x_stride + i + 1] * w1;
    }
  }
  for (; i < inputs; ++i) {
    for (std::size_t r = 0; r < kRows; ++r) even[r] += x[r * x_stride + i] * load(weight + i * kLanes);
  }
  for (std::size_t r = 0; r < kRows; ++r) {
    const Floats sum = even[r] + odd[r];
    store(y + r * kLanes, sum < 0 ? Floats{} : sum);
  }
}

inline void narrow_layer(const float* x, std::size_t x_stride, std::size_t rows, std::size_t inputs,
                         const float* weight, const float* bias, float* y) {
  std::size_t r = 0;
  for (; r + 8 <= rows; r += 8) narrow_rows<8>(x + r * x_stride, x_stride, inputs, weight, bias, y + r * kLanes);
  for (; r < rows; ++r) narrow_rows<1>(x + r * x_stride, x_stride, inputs, weight, bias, y + r * kLanes);
}

inline float dot(const float* x, const float* w, std::size_t size) {
  float sum = 0;
#pragma omp simd reduction(+ : sum)
  for (std::size_t i = 0; i < size; ++i) sum += x[i] * w[i];
  return sum;
}

/// In place; reads and writes up to a whole vector beyond the end.
inline void sigmoid(float* values, std::size_t size) {
  for (std::size_t i = 0; i < size; i += kLanes) store(values + i, 1.0f / (1.0f + exp(-load(values + i))));
}

}  // namespace mmoe::bench::glue
