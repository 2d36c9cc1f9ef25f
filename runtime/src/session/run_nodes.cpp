#include "session/run_nodes.h"

#include <cstring>

#include "kernels/panel16.h"

namespace mmoe::internal {
namespace {

// Where a column of x begins in a row; candidates' rows lack the first ones.
const float* column_of(const Block& block, std::size_t row, std::size_t column) {
  if (column < block.lacking) return block.user + column;
  return block.rows.x + row * block.rows.stride + (column - block.lacking);
}

void normalise_elements(const Block& block, const ElementsStep& step, std::size_t count) {
  kernels::NormArgs args = step.norm;
  args.num_rows = count;
  block.kernels.normalise(args);
}

void multiply_elements(const Block& block, const ElementsStep& step, std::size_t count) {
  kernels::DenseArgs args = step.dense;
  args.num_rows = count;
  block.kernels.dense(args);
}

void run_elements(const Block& block, const ElementsStep& step, std::size_t count) {
  multiply_elements(block, step, count);
  if (step.norm.data) normalise_elements(block, step, count);
}

// The first layers' sum, (keys k + query q) + product (q k), and its activation, of `count` elements from the first-th
// on. The product may be of each number of the query with each of the element.
void run_first_layers(const Block& block, const AttentionStep& step, std::size_t row, const Keys& keys,
                      std::size_t first, std::size_t count) {
  const float* query = step.query.data + row * step.query.stride;
  const kernels::DenseArgs& product = step.product.dense;
  const std::size_t width = step.width, products = product.num_inputs;
  for (std::size_t i = 0; i < count; ++i) {
    const float* element = keys.elements + (first + i) * step.element_stride;
    float* gated = step.gated + i * product.input_stride;
    const float* factor = query;
    for (std::size_t done = 0; done < products; done += width, ++factor, gated += width) {
      for (std::size_t c = 0; c < width; ++c) gated[c] = factor[products == width ? c : 0] * element[c];
    }
  }
  multiply_elements(block, step.product, count);
  const std::size_t stride = product.output_stride;
  const float* projected_query = step.projected_query.data + row * step.projected_query.stride;
  for (std::size_t i = 0; i < count; ++i) {
    const float* key = keys.projected + (first + i) * stride;
    float* sum = product.output + i * stride;
    for (std::size_t c = 0; c < stride; ++c) sum[c] = (key[c] + projected_query[c]) + sum[c];
  }
  if (step.product.norm.data) return normalise_elements(block, step.product, count);
  block.kernels.activate(step.activation, step.alpha, step.beta, product.output, count * stride);
}

// So many elements at a time that what the layers make of them stays in an L1 cache beside the weights, in tiles of
// rows that are full.
void find_logits(const Block& block, const AttentionStep& step, std::size_t row, const Keys& keys) {
  for (std::size_t first = 0, count; first < keys.count; first += count) {
    const std::size_t left = keys.count - first;
    count = left <= kMaxElements ? left : kElements;
    run_first_layers(block, step, row, keys, first, count);
    for (std::size_t i = 0; i < step.num_layers; ++i) run_elements(block, step.layers[i], count);
    for (std::size_t i = 0; i < count; ++i) step.logits[first + i] = step.weights.data[i * step.weights.stride];
  }
}

void turn_to_weights(const Block& block, const AttentionStep& step, std::size_t count) {
  kernels::GateArgs args{};
  args.num_rows = 1;
  args.num_experts = count;
  args.logits = args.weights = step.logits;
  args.weights_stride = padded_outputs(count);
  block.kernels.gate(args);
}

}  // namespace

void take_keys(const Block& block, const AttentionStep& step, std::size_t row, Keys& keys) {
  float* elements = keys.elements;
  const float* mask = nullptr;
  for (std::size_t s = 0; s < step.num_sequences; ++s) {
    const AttentionStep::Sequence& sequence = step.sequences[s];
    const View& stream = sequence.stream;
    const float* from =
        stream.data ? stream.data + row * stream.stride + sequence.column : column_of(block, row, sequence.column);
    if (s == 0) mask = from + step.length * sequence.width;
    keys.count = 0;
    for (std::size_t i = 0; i < step.length; ++i, from += sequence.width) {
      if (step.masked && mask[i] == 0) continue;
      std::memcpy(elements + keys.count++ * step.element_stride, from, sequence.width * sizeof(float));
    }
    elements += sequence.width;
  }
  if (keys.count == 0) return;
  kernels::DenseArgs args = step.project_keys.dense;
  args.input = keys.elements;
  args.output = keys.projected;
  args.num_rows = keys.count;
  block.kernels.dense(args);
}

void run_combine(const Block& block, const CombineStep& step) {
  kernels::CombineArgs args = step.args;
  if (block.rows.candidates && step.start) {
    args.start = step.start;
    args.num_started = step.num_started;
  }
  kernels::combine(args);
  if (step.activation == kernels::Activation::kIdentity) return;
  block.kernels.activate(step.activation, step.alpha, step.beta, args.output, args.num_rows * args.output_stride);
}

void run_attention(const Block& block, AttentionStep& step) {
  const bool of_user = block.rows.candidates && step.user.elements;
  Keys& keys = of_user ? step.user : step.keys;
  for (std::size_t row = 0; row < step.num_rows; ++row) {
    if (!of_user) take_keys(block, step, row, keys);
    float* output = step.output.data + row * step.output.stride;
    std::memset(output, 0, step.width * sizeof(float));
    if (keys.count == 0) continue;
    find_logits(block, step, row, keys);
    if (step.softmax) turn_to_weights(block, step, keys.count);
    kernels::MixArgs mix{};
    mix.experts = keys.experts;
    mix.num_weights = keys.count;
    mix.weights = step.logits;
    mix.num_rows = 1;
    mix.dim = step.element_stride;
    mix.output = output;
    mix.output_stride = step.output.stride;
    block.kernels.mix_experts(mix);
  }
}

void run_each(const Block& block, const EachStep& step) {
  for (std::size_t row = 0; row < step.num_rows; ++row) {
    step.layers[0].dense.input = step.input.data + row * step.input.stride;
    for (std::size_t i = 0; i < step.num_layers; ++i) run_elements(block, step.layers[i], step.length);
    float* output = step.output.data + row * step.output.stride;
    for (std::size_t i = 0; i < step.length; ++i) {
      std::memcpy(output + i * step.outputs, step.last.data + i * step.last.stride, step.outputs * sizeof(float));
    }
  }
}

void run_scaled_dot(const Block& block, ScaledDotStep& step) {
  const auto at = [](const View& view, std::size_t row) { return view.data + row * view.stride; };
  for (std::size_t row = 0; row < step.num_rows; ++row) {
    step.args.query = at(step.query, row);
    step.args.keys = at(step.keys, row);
    step.args.values = at(step.values, row);
    if (step.args.num_masked != 0) step.args.mask = at(step.mask, row);
    step.args.output = at(step.output, row);
    kernels::scaled_dot(block.kernels, step.args);
  }
}

void run_user(const Block& block, const UserStep& step) {
  for (std::size_t row = 0; block.rows.candidates && row < step.num_rows; ++row) {
    std::memcpy(step.output.data + row * step.output.stride, step.saved, step.width * sizeof(float));
  }
}

}  // namespace mmoe::internal
