// One call of a session, checked: what is scored and where the results go.
#pragma once

#include <cstddef>
#include <cstdint>

#include "mmoe/session.h"
#include "plan/program.h"

namespace mmoe::internal {

struct Call {
  const InputCalls* features;  ///< null: `values` are x
  Part part;
  bool user_is_finite;  ///< or nobody asked for a user
  std::size_t num_rows;
  bool interleaved;  ///< raw features, not in `columns`: rows of `values` and `ids`, feature after feature
  Span<const FeatureColumn> columns;
  Span<const float> values;
  Span<const std::int32_t> ids;
  std::size_t stride, ids_stride;

  float* scores;
  std::size_t scores_stride;
  float* gate_weights;  ///< null: not wanted, as logits
  std::size_t gate_weights_stride;
  float* logits;
  std::size_t logits_stride;
};

/// Raw features, for inputs that have them.
struct InputCalls {
  /// Error kInvalidArgument where a column lacks what its feature's kind needs.
  Status (*check)(const Program& program, const Call& call);
  /// Fills the columns of the program's input buffer that the call's part has, with rows [first_row, first_row +
  /// num_rows). Errors name the feature and the row.
  Status (*encode)(const Program& program, const Call& call, std::size_t first_row, std::size_t num_rows);
};

/// What a session with several workers does.
struct ParallelCalls {
  Status (*score)(Session& session, const Call& call);
  /// Every worker accumulates the user, all at once.
  Status (*set_user)(Session& session, const float* shared);
};

struct InputAccess {
  static const void* model(const Input& input) { return input.model_; }
  static const Status* status(const Input& input) { return input.status_; }
  static void copy(const Input& input, Call& call) {
    call.features = input.calls_;
    call.num_rows = input.num_rows_;
    call.interleaved = input.interleaved_;
    call.columns = input.columns_;
    call.values = input.values_;
    call.ids = input.ids_;
    call.stride = input.stride_;
    call.ids_stride = input.ids_stride_;
  }
};

struct SessionAccess {
  static Program& program(const Session& session, std::size_t worker) { return session.program(worker); }
  static const Executor& executor(const Session& session) { return session.executor_; }
};

/// Columns of x that a part has.
inline std::size_t dim_of(const Program& program, Part part) {
  return part == Part::kWhole  ? program.input_dim
         : part == Part::kUser ? program.shared_dim
                               : program.input_dim - program.shared_dim;
}

}  // namespace mmoe::internal
