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
};

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
  }
  if (args.num_rows != 0) block.kernels.dense(args);
}

// Rows ascending outside, gates inside: a list gets each row once, in order.
void run_select(const Block& block, const SelectStep& step) {
  for (std::size_t i = 0; i < step.num_lists; ++i) step.lists[i].count = 0;
  for (std::uint32_t row = 0; row < block.num_rows; ++row) {
    for (std::size_t g = 0; g < step.num_gates; ++g) {
      const SelectStep::Gate& gate = step.gates[g];
      for (std::size_t j = 0; j < gate.top_k; ++j) {
        RowList* list = gate.lists[gate.selected[row * gate.top_k + j]];
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

void run_step(const Block& block, const Step& step) {
  switch (step.kind) {
    case StepKind::kDense: return run_dense(block, step.dense);
    case StepKind::kGate: {
      kernels::GateArgs args = step.gate.args;
      args.num_rows = block.num_rows;
      return block.kernels.gate(args);
    }
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

void run_steps(const Program& program, const float* x, std::size_t x_stride, std::size_t num_rows) {
  const Block block{*program.kernels, x, x_stride, num_rows};
  for (std::size_t i = 0; i < program.num_steps; ++i) run_step(block, program.steps[i]);
}

}  // namespace mmoe::internal
