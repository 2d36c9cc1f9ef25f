#include "c/input.h"

#include "c/handles.h"
#include "c/structs.h"

namespace mmoe::internal {
namespace {

MMOE_ENDS_WITH(mmoe_input, reserved);
MMOE_ENDS_WITH(mmoe_output, logits_stride);

Result<Input> chosen_input(const mmoe_input& input) {
  const bool has_columns = input.columns.columns || input.columns.num_columns != 0 || input.columns.library;
  const bool has_x = input.x || input.num_x != 0;
  if (int{has_x} + int{has_columns} + int{input.rows != nullptr} > 1) {
    return make_error(ErrorCode::kInvalidArgument, "input: more than one of x, columns and rows is set");
  }
  if (input.rows) return input.rows->input(*input.rows);
  if (has_columns) {
    if (!input.columns.library) {
      return make_error(ErrorCode::kInvalidArgument, "input.columns: not made by mmoe_columns_make()");
    }
    return reinterpret_cast<ColumnsInput>(input.columns.library)(input.columns, input.num_rows);
  }
  if (!has_x && input.num_rows != 0)
    return make_error(ErrorCode::kInvalidArgument, "input: none of x, columns and rows is set");
  if (!input.x && input.num_x != 0) return make_error(ErrorCode::kInvalidArgument, "input.x: null");
  return Input::x({input.x, input.num_x}, input.num_rows, input.x_stride);
}

}  // namespace

Result<Input> input_of(const mmoe_input* input) {
  mmoe_input full;
  if (Status status = read_struct(input, "input", full); !status) return status.error();
  Result<Input> chosen = chosen_input(full);
  if (!chosen || full.candidates == 0) return chosen;
  return chosen->candidates();
}

Result<Output> output_of(const mmoe_output* output) {
  mmoe_output full;
  if (Status status = read_struct(output, "output", full); !status) return status.error();
  const char* null = !full.scores && full.num_scores != 0               ? "scores"
                     : !full.gate_weights && full.num_gate_weights != 0 ? "gate_weights"
                     : !full.logits && full.num_logits != 0             ? "logits"
                                                                        : nullptr;
  if (null) return make_error(ErrorCode::kInvalidArgument, "output.", null, ": null");
  Output result;
  result.scores = {full.scores, full.num_scores};
  result.scores_stride = full.scores_stride;
  result.gate_weights = {full.gate_weights, full.num_gate_weights};
  result.gate_weights_stride = full.gate_weights_stride;
  result.logits = {full.logits, full.num_logits};
  result.logits_stride = full.logits_stride;
  return result;
}

}  // namespace mmoe::internal
