#include "session/score.h"

#include <limits>

#include "core/make_error.h"
#include "kernels/assertion.h"
#include "kernels/exact.h"
#include "model/parts.h"
#include "session/place.h"
#include "session/x_order.h"

namespace mmoe::internal {
namespace {

void fill_with_nan(float* row, std::size_t count) {
  for (std::size_t i = 0; i < count; ++i) row[i] = std::numeric_limits<float>::quiet_NaN();
}

// The towers' outputs stay in their buffers until the next block. Links of one tower copy the same.
void copy_logits(const Program& program, std::size_t num_rows, float* logits, std::size_t stride) {
  for (std::size_t i = 0; i < program.num_steps; ++i) {
    if (program.steps[i].kind != StepKind::kLink) continue;
    const LinkStep& link = program.steps[i].link;
    for (std::size_t row = 0; row < num_rows; ++row) {
      const float* from = link.logits.data + row * link.logits.stride;
      for (std::size_t j = 0; j < link.num_logits; ++j) logits[row * stride + link.first_logit + j] = from[j];
    }
  }
}

bool is_finite(const Program& program, const Call& call, const float* x) {
  return call.user_is_finite && program.kernels->all_finite(x, dim_of(program, call.part));
}

/// A block of the call's rows and where its results go.
struct Results {
  float* scores;
  float* gate_weights;
  float* logits;

  Results(const Call& call, std::size_t first_row)
      : scores(call.scores + first_row * call.scores_stride),
        gate_weights(call.gate_weights ? call.gate_weights + first_row * call.gate_weights_stride : nullptr),
        logits(call.logits ? call.logits + first_row * call.logits_stride : nullptr) {}
};

// Rows up to the first one that the options refuse, or all: makes no Status, of which each takes 232 bytes of stack.
std::size_t score_block(const Plan& plan, Program& program, const Call& call, std::size_t first_row,
                        const RowBlock& rows) {
  MMOE_ASSERT(kernels::has_default_environment());  // rounding to nearest, subnormal numbers kept: Plan::is_exact()
  const Results out(call, first_row);
  const bool refuses = plan.non_finite() == NonFinite::kError;
  run_steps(program, rows, {out.gate_weights, call.gate_weights_stride});
  if (out.logits) copy_logits(program, rows.count, out.logits, call.logits_stride);
  for (std::size_t row = 0; row < rows.count; ++row) {
    float* scores = out.scores + row * call.scores_stride;
    for (std::size_t task = 0; task < plan.num_tasks(); ++task) {
      scores[task] = program.scores[program.requested[task] * rows.count + row];
    }
    if (!is_finite(program, call, rows.x + row * rows.stride)) {
      if (refuses) return row;
      fill_with_nan(scores, plan.num_tasks());
      if (out.gate_weights) fill_with_nan(out.gate_weights + row * call.gate_weights_stride, plan.num_gate_weights());
      if (out.logits) fill_with_nan(out.logits + row * call.logits_stride, plan.num_logits());
    } else if (refuses && !program.kernels->all_finite(scores, plan.num_tasks())) {
      return row;
    }
  }
  return rows.count;
}

Error refused_row(const Program& program, const Call& call, const float* x, std::size_t row) {
  if (!is_finite(program, call, x)) return non_finite_input(program, call.part, x, row);
  return make_error(ErrorCode::kNonFinite, "row ", row, ": a score is NaN or infinite");
}

}  // namespace

Error non_finite_input(const Program& program, Part part, const float* x, std::size_t row) {
  if (!kHasMessages) return Error(ErrorCode::kNonFinite);
  std::size_t column = 0;
  while (column + 1 < dim_of(program, part) && program.kernels->all_finite(x + column, 1)) ++column;
  const std::size_t first = part == Part::kCandidate ? program.shared_dim : 0;
  for (std::size_t i = 0; i < program.num_features; ++i) {
    const FeatureStep& feature = program.features[i];
    if (column + first < feature.column || column + first >= feature.column + feature.width) continue;
    return make_error(ErrorCode::kNonFinite, FeaturePlace{{program.file, i}, row},
                      "the input is missing, NaN or infinite");
  }
  return make_error(ErrorCode::kNonFinite, "row ", row, ", column ", column, " of x: the input is NaN or infinite");
}

RowBlock rows_of(const Program& program, const Call& call, std::size_t first_row, std::size_t num_rows) {
  const bool candidates = call.part == Part::kCandidate;
  if (call.features) {
    return {program.input.data + (candidates ? program.shared_dim : 0), program.input.stride, num_rows, candidates};
  }
  const RowBlock block = {call.values.data() + first_row * call.stride, call.stride, num_rows, candidates};
  return call.part == Part::kWhole && program.num_column_runs != 0 ? in_program_order(program, block) : block;
}

Status load_rows(const Program& program, const Call& call, std::size_t first_row, std::size_t num_rows) {
  return call.features ? call.features->encode(program, call, first_row, num_rows) : Status();
}

Status score_rows(const Plan& plan, Program& program, const Call& call, std::size_t first_row, std::size_t num_rows) {
  const std::size_t end = first_row + num_rows;
  for (std::size_t row = first_row; row < end; row += plan.block_rows()) {
    const std::size_t count = plan.block_rows() < end - row ? plan.block_rows() : end - row;
    if (Status status = load_rows(program, call, row, count); !status) return status;
    const RowBlock block = rows_of(program, call, row, count);
    const std::size_t scored = score_block(plan, program, call, row, block);
    if (scored < count) return refused_row(program, call, block.x + scored * block.stride, row + scored);
  }
  return {};
}

}  // namespace mmoe::internal
