#include "kernels/scaled_dot.h"

#include <cstring>

#include "kernels/assertion.h"
#include "kernels/panel16.h"

namespace mmoe::kernels {
namespace {

// So that one column of all keys lies side by side: products with a query run over keys.
void transpose_keys(const ScaledDotArgs& args) {
  for (std::size_t j = 0; j < args.num_keys; ++j) {
    for (std::size_t c = 0; c < args.width; ++c) args.transposed[c * args.num_keys + j] = args.keys[j * args.width + c];
  }
}

// scale * (query . key) for the first `count` keys. `column`: the head's first.
void find_logits(const ScaledDotArgs& args, const float* query, std::size_t column, std::size_t count) {
  const std::size_t head = args.width / args.num_heads;
  const float* keys = args.transposed + column * args.num_keys;
  for (std::size_t j = 0; j < count; ++j) args.weights[j] = query[column] * keys[j];
  for (std::size_t c = 1; c < head; ++c) {
    keys += args.num_keys;
    const float factor = query[column + c];
    for (std::size_t j = 0; j < count; ++j) args.weights[j] += factor * keys[j];
  }
  for (std::size_t j = 0; j < count; ++j) args.weights[j] *= args.scale;
}

bool is_left_out(const ScaledDotArgs& args, std::size_t key) { return key < args.num_masked && args.mask[key] == 0; }

// Moves the logits of those that have a weight to the front; how many they are.
std::size_t drop_masked(const ScaledDotArgs& args, std::size_t count) {
  std::size_t kept = 0;
  for (std::size_t j = 0; j < count; ++j) {
    if (!is_left_out(args, j)) args.weights[kept++] = args.weights[j];
  }
  return kept;
}

void mix_values(const ScaledDotArgs& args, std::size_t count, std::size_t head, float* output) {
  const std::size_t width = args.value_width / args.num_heads;
  const float* weight = args.weights;
  for (std::size_t j = 0; j < count; ++j) {
    if (is_left_out(args, j)) continue;
    const float* value = args.values + j * args.value_width + head * width;
    for (std::size_t c = 0; c < width; ++c) output[c] += *weight * value[c];
    ++weight;
  }
}

}  // namespace

void scaled_dot(const KernelTable& kernels, const ScaledDotArgs& args) {
  MMOE_ASSERT(args.num_keys > 0 && args.width % args.num_heads == 0 && args.value_width % args.num_heads == 0);
  transpose_keys(args);
  std::memset(args.output, 0, args.num_queries * args.value_width * sizeof(float));
  GateArgs softmax{};
  softmax.num_rows = 1;
  softmax.logits = softmax.weights = args.weights;
  for (std::size_t i = 0; i < args.num_queries; ++i) {
    const std::size_t count = args.causal && i + 1 < args.num_keys ? i + 1 : args.num_keys;
    for (std::size_t h = 0; h < args.num_heads; ++h) {
      find_logits(args, args.query + i * args.width, h * (args.width / args.num_heads), count);
      softmax.num_experts = drop_masked(args, count);
      if (softmax.num_experts == 0) continue;
      softmax.weights_stride = padded_outputs(softmax.num_experts);
      kernels.gate(softmax);
      mix_values(args, count, h, args.output + i * args.value_width + h * (args.value_width / args.num_heads));
    }
  }
}

}  // namespace mmoe::kernels
