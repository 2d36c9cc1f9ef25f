#include "session/run.h"

#include "kernels/panel16.h"
#include "schema/mmoe_generated.h"

namespace mmoe::internal {
namespace {

struct Block {
  const kernels::KernelTable& kernels;
  const float* x;
  std::size_t x_stride;
  std::size_t num_rows;
  std::size_t shared;  // columns that x lacks: their share of every product is in the steps' prefixes
};

// The product's accumulators behind the shared columns stand in for its bias. One accumulator per output, in
// ascending order of inputs: the bits of the whole row.
void continue_from_prefix(const DenseStep& step, std::size_t shared, kernels::DenseArgs& args) {
  args.bias = step.prefix;
  args.weights += shared * kPanelWidth;
  args.num_inputs -= shared;
}

void run_dense(const Block& block, const DenseStep& step) {
  kernels::DenseArgs args = step.args;
  args.num_rows = block.num_rows;
  if (step.list) {
    args.rows = step.list->rows;
    args.num_rows = step.list->count;
  }
  if (!args.input) {
    args.input = block.x;
    args.input_stride = block.x_stride;
    if (block.shared != 0) continue_from_prefix(step, block.shared, args);
  }
  if (args.num_rows != 0) block.kernels.dense(args);
}

void run_norm(const Block& block, const NormStep& step) {
  kernels::NormArgs args = step.args;
  args.rows = step.list ? step.list->rows : nullptr;
  args.num_rows = step.list ? step.list->count : block.num_rows;
  block.kernels.normalise(args);
}

void run_gate(const Block& block, const GateStep& step) {
  kernels::GateArgs args = step.args;
  args.num_rows = block.num_rows;
  block.kernels.gate(args);
  if (!step.threshold.counts) return;
  kernels::ThresholdArgs threshold = step.threshold;
  threshold.num_rows = block.num_rows;
  block.kernels.threshold(threshold);
}

// Rows ascending outside, gates inside: a list gets each row once, in order.
void run_select(const Block& block, const SelectStep& step) {
  for (std::size_t i = 0; i < step.num_lists; ++i) step.lists[i].count = 0;
  for (std::uint32_t row = 0; row < block.num_rows; ++row) {
    for (std::size_t g = 0; g < step.num_gates; ++g) {
      const SelectStep::Gate& gate = step.gates[g];
      const std::size_t count = gate.counts ? gate.counts[row] : gate.max_selected;
      for (std::size_t j = 0; j < count; ++j) {
        RowList* list = gate.lists[gate.selected[row * gate.max_selected + j]];
        if (!list || (list->count != 0 && list->rows[list->count - 1] == row)) continue;
        list->rows[list->count++] = row;
      }
    }
  }
}

void run_softmax_link(const Block& block, const LinkStep& step) {
  kernels::GateArgs args{};
  args.num_rows = 1;
  args.num_experts = step.num_logits;
  args.weights = step.softmax;
  for (std::size_t row = 0; row < block.num_rows; ++row) {
    args.logits = step.logits.data + row * step.logits.stride;
    block.kernels.gate(args);
    step.scores[row] = step.softmax[step.column];
  }
}

void run_link(const Block& block, const LinkStep& step) {
  switch (step.kind) {
    case schema::LinkKind_Softmax: return run_softmax_link(block, step);
    case schema::LinkKind_Product:
      for (std::size_t row = 0; row < block.num_rows; ++row) {
        float score = step.factors[0][row];
        for (std::size_t i = 1; i < step.num_factors; ++i) score *= step.factors[i][row];
        step.scores[row] = score;
      }
      return;
    default:
      for (std::size_t row = 0; row < block.num_rows; ++row) {
        step.scores[row] = step.logits.data[row * step.logits.stride + step.column];
      }
      if (step.kind == schema::LinkKind_Sigmoid) {
        block.kernels.activate(kernels::Activation::kSigmoid, 0, step.scores, padded_outputs(block.num_rows));
      }
  }
}

Block block_of(const Program& program, const Rows& rows) {
  return {*program.kernels, rows.x, rows.stride, rows.count, rows.candidates ? program.shared_dim : 0};
}

void run_step(const Block& block, const Step& step) {
  switch (step.kind) {
    case StepKind::kDense: return run_dense(block, step.dense);
    case StepKind::kNorm: return run_norm(block, step.norm);
    case StepKind::kGate: return run_gate(block, step.gate);
    case StepKind::kSelect: return run_select(block, step.select);
    case StepKind::kMix: {
      kernels::MixArgs args = step.mix.args;
      args.num_rows = block.num_rows;
      return block.kernels.mix_experts(args);
    }
    case StepKind::kLink: return run_link(block, step.link);
  }
}

}  // namespace

void run_steps(const Program& program, const Rows& rows) {
  const Block block = block_of(program, rows);
  for (std::size_t i = 0; i < program.num_steps; ++i) run_step(block, program.steps[i]);
}

void run_steps_timed(const Program& program, const Rows& rows, std::uint64_t (*clock)(), std::uint64_t* ticks) {
  const Block block = block_of(program, rows);
  std::uint64_t start = clock();
  for (std::size_t i = 0; i < program.num_steps; ++i) {
    run_step(block, program.steps[i]);
    const std::uint64_t end = clock();
    ticks[i] += end - start;
    start = end;
  }
}

void compute_prefixes(const Program& program, const float* shared) {
  for (std::size_t i = 0; i < program.num_steps; ++i) {
    const Step& step = program.steps[i];
    if (step.kind != StepKind::kDense || !step.dense.prefix) continue;
    kernels::DenseArgs args = step.dense.args;
    args.input = shared;
    args.num_rows = 1;
    args.num_inputs = program.shared_dim;
    args.output = step.dense.prefix;
    args.activation = kernels::Activation::kIdentity;
    program.kernels->dense(args);
  }
}

}  // namespace mmoe::internal
