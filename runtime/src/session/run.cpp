#include "session/run.h"

#include <cstring>

#include "kernels/assertion.h"
#include "kernels/panel16.h"
#include "model/parts.h"
#include "schema/mmoe_generated.h"
#include "session/run_nodes.h"

namespace mmoe::internal {
namespace {

// What the product has left of the shared columns stands in for its bias: the bits of the whole row. A function by
// itself, so that other calls do not have its arguments on their stack.
__attribute__((noinline)) void run_dense_from_prefix(const Block& block, const DenseStep& step) {
  kernels::DenseArgs rest = step.args;
  kernels::W8A8Args second;
  std::size_t skipped = step.shared * kPanelWidth;
  if (kernels::kHasW8A8 && rest.type == kernels::WeightType::kW8A8) {
    skipped = kernels::quads_of(step.shared) * 4 * kPanelWidth;
    second = *rest.w8a8;
    second.first_inputs = 0;
    second.row_sums += second.row_sums_stride;
    rest.w8a8 = &second;
  }
  rest.start = step.prefix;
  rest.weights = static_cast<const char*>(rest.weights) + skipped * kernels::weight_bytes(rest.type);
  rest.num_inputs -= step.shared;
  if (kHasStreams && !step.reads_x) rest.input += step.shared;
  block.kernels.dense(rest);
}

// In x: the first that the rows have.
const float* first_input(const Block& block, const DenseStep& step) {
  if (!kHasStreams) return block.rows.x;
  const std::size_t first = step.column + (block.rows.candidates ? step.shared : 0);
  return first > block.lacking ? block.rows.x + (first - block.lacking) : block.rows.x;
}

void run_dense(const Block& block, DenseStep& step) {
  kernels::DenseArgs& args = step.args;
  args.backwards = step.alternates && !args.backwards;
  if (step.list) {
    args.num_rows = step.list->count;
    if (args.num_rows == 0) return;
  }
  if (step.reads_x) {
    args.input = first_input(block, step);
    args.input_stride = block.rows.stride;
  }
  if (step.shared != 0 && block.rows.candidates) return run_dense_from_prefix(block, step);
  block.kernels.dense(args);
}

constexpr std::size_t kLastColumn = SIZE_MAX;

// Copies what a row of a stream has of a part: `from` are its columns [begin, end). `to`: of the whole part.
void copy_part(const CopyStep::Part& part, const float* from, std::size_t begin, std::size_t end, float* to) {
  const std::size_t behind = part.column + part.width;
  const std::size_t first = part.column < begin ? begin : part.column, last = behind < end ? behind : end;
  if (first < last) std::memcpy(to + (first - part.column), from + (first - begin), (last - first) * sizeof(float));
}

// Rows of x have the columns [begin, end). Other streams are there with x's last column.
void copy_parts(const CopyStep& step, const RowBlock& rows, std::size_t begin, std::size_t end) {
  for (std::size_t row = 0; row < rows.count; ++row) {
    float* to = step.output.data + row * step.output.stride;
    for (std::size_t i = 0; i < step.num_parts; ++i) {
      const CopyStep::Part& part = step.parts[i];
      const View& stream = part.stream;
      if (!stream.data) {
        copy_part(part, rows.x + row * rows.stride, begin, end, to);
      } else if (end == kLastColumn) {
        copy_part(part, stream.data + row * stream.stride, 0, end, to);
      }
      to += part.width;
    }
  }
}

void run_copy(const Block& block, const CopyStep& step) {
  if (kHasNodes && step.whole && block.lacking != 0)
    copy_parts(step, {block.user, 0, block.rows.count, false}, 0, block.lacking);
  copy_parts(step, block.rows, block.lacking, kLastColumn);
}

void run_norm(const Block& block, NormStep& step) {
  if (step.list) step.args.num_rows = step.list->count;
  block.kernels.normalise(step.args);
}

void run_gate(const Block& block, const GateStep& step) {
  block.kernels.gate(step.args);
  if (step.threshold.counts) block.kernels.threshold(step.threshold);
}

void run_mix(const Block& block, const MixStep& step) {
  const kernels::MixArgs& args = step.args;
  for (std::size_t row = 0; kHasExtras && step.scales && row < block.rows.count; ++row) {
    float* weights = step.scaled + row * args.weights_stride;
    const std::uint16_t* selected = args.selected ? args.selected + row * args.num_weights : nullptr;
    const std::size_t count = args.counts ? args.counts[row] : args.num_weights;
    for (std::size_t j = 0; j < count; ++j) weights[j] *= step.scales[selected ? selected[j] : j];
  }
  block.kernels.mix_experts(args);
}

// Rows ascending outside, gates inside: a list gets each row once, in order.
void run_select(const Block& block, const SelectStep& step) {
  for (std::size_t i = 0; i < step.num_lists; ++i) step.lists[i].count = 0;
  for (std::uint32_t row = 0; row < block.rows.count; ++row) {
    for (std::size_t g = 0; g < step.num_gates; ++g) {
      const SelectStep::Gate& gate = step.gates[g];
      const std::size_t count = gate.counts ? gate.counts[row] : gate.max_selected;
      MMOE_ASSERT(count > 0 && count <= gate.max_selected);
      for (std::size_t j = 0; j < count; ++j) {
        RowList* list = gate.lists[gate.selected[row * gate.max_selected + j]];
        if (!list || (list->count != 0 && list->rows[list->count - 1] == row)) continue;
        list->rows[list->count++] = row;
      }
    }
  }
}

// One class's probability, or the sum of all times their values, classes ascending.
void run_softmax_link(const Block& block, const LinkStep& step, float* scores) {
  kernels::GateArgs args{};
  args.num_rows = 1;
  args.num_experts = step.num_logits;
  args.weights = step.room;
  for (std::size_t row = 0; row < block.rows.count; ++row) {
    args.logits = step.logits.data + row * step.logits.stride;
    block.kernels.gate(args);
    scores[row] = step.room[step.column];
    if (!kHasExtras || !step.values) continue;
    scores[row] = step.room[0] * step.values[0];
    for (std::size_t i = 1; i < step.num_logits; ++i) scores[row] += step.room[i] * step.values[i];
  }
}

// With d = x_i - x_c of the other classes i, ascending: l = log(sum of e^d) by l + log(1 + e^(d - l)) from class to
// class; log(softmax) is then -log(1 + e^l). There are at least two classes.
void run_log_softmax_link(const Block& block, const LinkStep& step, float* scores) {
  const std::size_t num_rows = block.rows.count;
  bool first = true;
  for (std::size_t i = 0; i < step.num_logits; ++i) {
    if (i == step.column) continue;
    for (std::size_t row = 0; row < num_rows; ++row) {
      const float* logits = step.logits.data + row * step.logits.stride;
      const float distance = logits[i] - logits[step.column];
      (first ? scores : step.room)[row] = first ? distance : distance - scores[row];
    }
    if (!first) {
      block.kernels.activate(kernels::Activation::kSoftplus, 0, 0, step.room, padded_outputs(num_rows));
      for (std::size_t row = 0; row < num_rows; ++row) scores[row] += step.room[row];
    }
    first = false;
  }
  for (std::size_t row = 0; row < num_rows; ++row) scores[row] = -scores[row];
  block.kernels.activate(kernels::Activation::kLogSigmoid, 0, 0, scores, padded_outputs(num_rows));
}

void run_product_link(const Block& block, const LinkStep& step, float* scores) {
  const std::size_t num_rows = block.rows.count;
  for (std::size_t row = 0; row < num_rows; ++row) {
    MMOE_ASSERT(step.num_factors > 0 && step.factors[0] < step.index);
    float score = block.scores[step.factors[0] * num_rows + row];
    for (std::size_t i = 1; i < step.num_factors; ++i) score *= block.scores[step.factors[i] * num_rows + row];
    scores[row] = score;
  }
}

void run_logit_link(const Block& block, const LinkStep& step, float* scores) {
  const std::size_t num_rows = block.rows.count;
  for (std::size_t row = 0; row < num_rows; ++row) {
    scores[row] = step.logits.data[row * step.logits.stride + step.column];
  }
  if (step.num_sigmoids == 0) return;
  block.kernels.activate(kernels::Activation::kSigmoid, 0, 0, scores - (step.num_sigmoids - 1) * num_rows,
                         padded_outputs(step.num_sigmoids * num_rows));
}

void run_map(const Block& block, const schema::LinkMap& map, float* scores) {
  const std::size_t num_rows = block.rows.count;
  block.kernels.activate(static_cast<kernels::Activation>(map.activation()), map.alpha(), map.beta(), scores,
                         padded_outputs(num_rows));
  for (std::size_t row = 0; row < num_rows; ++row) {
    const float scaled = map.scale() * scores[row] + map.shift();
    const float above = scaled < map.lower() ? map.lower() : scaled;
    scores[row] = map.upper() < above ? map.upper() : above;
  }
}

// What activations touch behind their links belongs to later ones.
void run_link(const Block& block, const LinkStep& step) {
  float* scores = block.scores + step.index * block.rows.count;
  switch (step.kind) {
    case schema::LinkKind_Softmax:
    case schema::LinkKind_Expected: run_softmax_link(block, step, scores); break;
    case schema::LinkKind_LogSoftmax:
      if (kHasExtras) run_log_softmax_link(block, step, scores);
      break;
    case schema::LinkKind_Product: run_product_link(block, step, scores); break;
    default: run_logit_link(block, step, scores);
  }
  if (kHasExtras && step.map) run_map(block, *step.map, scores);
}

void bind_rows(Step& step, std::size_t num_rows) {
  switch (step.work) {
    case StepKind::kDense: step.dense.args.num_rows = num_rows; return;
    case StepKind::kNorm: step.norm.args.num_rows = num_rows; return;
    case StepKind::kGate: step.gate.args.num_rows = step.gate.threshold.num_rows = num_rows; return;
    case StepKind::kMix: step.mix.args.num_rows = num_rows; return;
    case StepKind::kCombine:
      if (kHasNodes) step.combine.args.num_rows = num_rows;
      return;
    case StepKind::kSoftmax:
      if (kHasNodes) step.softmax.args.num_rows = num_rows;
      return;
    case StepKind::kAttention:
      if (kHasNodes) step.attention->num_rows = num_rows;
      return;
    case StepKind::kEach:
      if (kHasNodes) step.each->num_rows = num_rows;
      return;
    case StepKind::kScaledDot:
      if (kHasNodes) step.scaled_dot->num_rows = num_rows;
      return;
    case StepKind::kUser:
      if (kHasNodes) step.user.num_rows = num_rows;
      return;
    case StepKind::kSelect:
    case StepKind::kLink:
    case StepKind::kOfUser:
    case StepKind::kCopy: return;
  }
}

Block bind(Program& program, const RowBlock& rows) {
  if (rows.count != program.bound_rows) {
    for (std::size_t i = 0; i < program.num_steps; ++i) bind_rows(program.steps[i], rows.count);
    program.bound_rows = rows.count;
  }
  return {*program.kernels, rows, rows.candidates ? program.shared_dim : 0, program.scores, program.user};
}

// A step of one row is some hundred instructions: a call that saves all registers would show.
void run_of_user(const Block& block, Step& step);

[[gnu::always_inline]] inline void run_step(const Block& block, Step& step, StepKind kind) {
  switch (kind) {
    case StepKind::kDense: return run_dense(block, step.dense);
    case StepKind::kNorm: return run_norm(block, step.norm);
    case StepKind::kGate: return run_gate(block, step.gate);
    case StepKind::kSelect: return run_select(block, step.select);
    case StepKind::kMix: return run_mix(block, step.mix);
    case StepKind::kLink: return run_link(block, step.link);
    case StepKind::kCopy:
      if (kHasStreams) run_copy(block, step.copy);
      return;
    case StepKind::kCombine:
      if (kHasNodes) run_combine(block, step.combine);
      return;
    case StepKind::kSoftmax:
      if (kHasNodes) block.kernels.gate(step.softmax.args);
      return;
    case StepKind::kAttention:
      if (kHasNodes) run_attention(block, *step.attention);
      return;
    case StepKind::kEach:
      if (kHasNodes) run_each(block, *step.each);
      return;
    case StepKind::kScaledDot:
      if (kHasNodes) run_scaled_dot(block, *step.scaled_dot);
      return;
    case StepKind::kUser:
      if (kHasNodes) run_user(block, step.user);
      return;
    case StepKind::kOfUser:
      if (kHasNodes && !block.rows.candidates) run_of_user(block, step);
      return;
  }
}

void run_of_user(const Block& block, Step& step) { run_step(block, step, step.work); }

// A gate that selects leaves a row's weights side by side; here each goes to its expert's place.
void copy_weights(const GateStep& step, std::size_t num_rows, float* weights, std::size_t stride) {
  const kernels::GateArgs& gate = step.args;
  const std::uint16_t* counts = step.threshold.counts;
  for (std::size_t row = 0; row < num_rows; ++row, weights += stride) {
    const float* used = gate.weights + row * gate.weights_stride;
    const std::size_t max_selected = counts ? gate.num_experts : gate.top_k;
    if (max_selected == 0) {
      for (std::size_t e = 0; e < gate.num_experts; ++e) weights[e] = used[e];
      continue;
    }
    for (std::size_t e = 0; e < gate.num_experts; ++e) weights[e] = 0.0f;
    const std::uint16_t* selected = gate.selected + row * max_selected;
    const std::size_t count = counts ? counts[row] : max_selected;
    for (std::size_t j = 0; j < count; ++j) weights[selected[j]] = used[j];
  }
}

}  // namespace

void run_steps(Program& program, const RowBlock& rows, const GateWeights& weights) {
  const Block block = bind(program, rows);
  float* gate_weights = weights.data;
  for (std::size_t i = 0; i < program.num_steps; ++i) {
    Step& step = program.steps[i];
    run_step(block, step, step.kind);
    if (!gate_weights || step.kind != StepKind::kGate) continue;
    // At once: the level's buffers serve the next one too.
    copy_weights(step.gate, rows.count, gate_weights, weights.stride);
    gate_weights += step.gate.args.num_experts;
  }
}

void run_steps_timed(Program& program, const RowBlock& rows, std::uint64_t (*clock)(), std::uint64_t* ticks) {
  const Block block = bind(program, rows);
  std::uint64_t start = clock();
  for (std::size_t i = 0; i < program.num_steps; ++i) {
    run_step(block, program.steps[i], program.steps[i].kind);
    const std::uint64_t end = clock();
    ticks[i] += end - start;
    start = end;
  }
}

namespace {

// A step of a node that reads the user's columns alone, for one row: these columns.
void run_for_user(Program& program, const float* shared, Step& step) {
  const Block user{*program.kernels, {shared, 0, 1, false}, 0, nullptr, nullptr};
  if (step.kind == StepKind::kUser) {
    std::memcpy(step.user.saved, step.user.output.data, step.user.width * sizeof(float));
    return;
  }
  bind_rows(step, 1);
  program.bound_rows = 0;  // the others are for as many rows as before
  run_of_user(user, step);
}

}  // namespace

// A product, or an operation, reads the copy that the last step before it made.
void compute_prefixes(Program& program, const float* shared) {
  if (kHasNodes && program.user) std::memcpy(program.user, shared, program.shared_dim * sizeof(float));
  for (std::size_t i = 0; i < program.num_steps; ++i) {
    Step& step = program.steps[i];
    if (kHasNodes && (step.kind == StepKind::kOfUser || step.kind == StepKind::kUser)) {
      run_for_user(program, shared, step);
      continue;
    }
    if (kHasStreams && step.kind == StepKind::kCopy && !step.copy.whole)
      copy_parts(step.copy, {shared, 0, 1, false}, 0, program.shared_dim);
    if (kHasNodes && step.kind == StepKind::kAttention && step.attention->user.elements) {
      const Block user{*program.kernels, {shared, 0, 1, false}, 0, nullptr, nullptr};
      take_keys(user, *step.attention, 0, step.attention->user);
    }
    if (kHasNodes && step.kind == StepKind::kCombine && step.combine.start)
      kernels::start_of_groups(step.combine.args, step.combine.num_started, step.combine.start);
    if (step.kind != StepKind::kDense || !step.dense.prefix) continue;
    kernels::DenseArgs args = step.dense.args;
    if (step.dense.reads_x) args.input = shared + step.dense.column;
    args.rows = nullptr;
    args.num_rows = 1;
    args.num_inputs = step.dense.shared;
    args.output = step.dense.prefix;
    if (kernels::kHasI8 && args.type == kernels::WeightType::kI8) args.scales = nullptr;  // it leaves a sum
    args.activation = kernels::Activation::kIdentity;
    program.kernels->dense(args);
  }
}

}  // namespace mmoe::internal
