// Each row's gate weights, for those who ask for them.
#include <limits>

#include "core/make_error.h"
#include "mmoe/session.h"
#include "plan/program.h"
#include "session/run.h"

namespace mmoe {

using internal::make_error;

Status Session::write_gates(float* weights, std::size_t stride) {
  if (!weights) {
    program_->gates = {};
    return {};
  }
  const std::size_t num_weights = plan_.num_gate_weights();
  if (stride < num_weights) {
    return make_error(ErrorCode::kInvalidArgument, "stride: ", stride, ", but a row has ", num_weights,
                      " gate weights");
  }
  program_->gates = {weights, stride, run_with_gates};
  return {};
}

void Session::run_with_gates(Session& session, internal::Rows rows, std::size_t first_row) {
  Program& program = *session.program_;
  const std::size_t stride = program.gates.stride;
  float* weights = program.gates.weights + first_row * stride;
  const std::size_t num_weights = internal::run_steps_with_gates(program, rows, weights, stride);
  const std::size_t width = program.input_dim - (rows.candidates ? program.shared_dim : 0);
  const bool user_finite = !rows.candidates || session.user_ == User::kFinite;
  for (std::size_t row = 0; row < rows.count; ++row) {
    if (user_finite && program.kernels->all_finite(rows.x + row * rows.stride, width)) continue;
    for (std::size_t i = 0; i < num_weights; ++i) {
      weights[row * stride + i] = std::numeric_limits<float>::quiet_NaN();
    }
  }
}

}  // namespace mmoe
