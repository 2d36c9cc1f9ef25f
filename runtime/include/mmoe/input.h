// What is scored, and where the results go: the two arguments of Session::score().
//
//   session->score(mmoe::Input::x(x, num_rows), {scores});
//   session->score(mmoe::Input::columns(columns, num_rows), {scores});   // raw values, feature by feature
//   session->score(mmoe::Input::rows(rows), {scores});                   // raw values by name: <mmoe/rows.h>
//
// Inputs and outputs refer to arrays of the caller, with their lengths. No pointer is kept after the call. The arrays
// of an input have exactly the length of their rows, so that a row of another width is noticed. For example, 3 rows of
// 20 columns are 60 floats. The arrays of an output may be longer than needed. An array of a wrong length is
// kInvalidArgument; the message names it, with the number of elements found and needed. Without rows, arrays are empty.
#pragma once

#include <cstddef>
#include <cstdint>

#include "mmoe/error.h"
#include "mmoe/model.h"
#include "mmoe/span.h"

namespace mmoe {

namespace internal {
struct InputCalls;
/// How raw features become x. Inputs that have them alone refer to it, so that a program that scores x is linked
/// without.
extern const InputCalls kFeatureCalls;
struct InputAccess;
}  // namespace internal

inline namespace v0_1 {

class Rows;

/// The raw values of one feature for all rows. The member that the kind of the feature does not use is ignored.
struct FeatureColumn {
  Span<const float> values = {};      ///< Dense: [num_rows, width]; NaN is a missing value. Sequence with weights:
                                      ///< [num_rows, length], the weight of each element
  Span<const std::int32_t> ids = {};  ///< Sparse: [num_rows], from Model::find_id(); Sequence: [num_rows, length],
                                      ///< where kNoElement means no element
};

/// Rows to score, or the one row of a user for Session::set_user(). Made by one of the functions below.
class Input {
 public:
  /// x: [num_rows, input_dim]. A row of a user or a candidate has the columns of its part only: user_dim or
  /// candidate_dim. With a `stride`, rows are so many floats apart, and x may go on behind the last row.
  static Input x(Span<const float> x, std::size_t num_rows, std::size_t stride = 0) {
    Input input(num_rows);
    input.values_ = x;
    input.stride_ = stride;
    return input;
  }

  /// One column per feature of the model, at the index of the feature. For a user or candidates too: columns of
  /// features of the other part are ignored. So one array can hold a user's columns, of one row, and the candidates'.
  static Input columns(Span<const FeatureColumn> columns, std::size_t num_rows) {
    Input input(num_rows);
    input.calls_ = &internal::kFeatureCalls;
    input.columns_ = columns;
    return input;
  }

  /// All rows of a row builder. If the builder has an error, the call that uses the input returns it.
  static Input rows(const Rows& rows);

  /// Golden rows of a file, Model::golden_rows(), from `first` on. REQUIRES: first + num_rows <= golden.num_rows.
  static Input golden(const GoldenRows& golden, std::size_t first, std::size_t num_rows) {
    Input input(num_rows);
    input.values_ = {golden.values + first * golden.num_values, num_rows * golden.num_values};
    input.stride_ = golden.num_values;
    if (!golden.has_features) return input;
    input.calls_ = &internal::kFeatureCalls;
    input.ids_ = {golden.ids + first * golden.num_ids, num_rows * golden.num_ids};
    input.ids_stride_ = golden.num_ids;
    input.interleaved_ = true;
    return input;
  }

  /// The same rows as candidates of the session's user. Not needed for a row builder with Part::kCandidate.
  Input candidates() const {
    Input input = *this;
    if (input.part_ == Part::kWhole) input.part_ = Part::kCandidate;
    return input;
  }

  std::size_t num_rows() const { return num_rows_; }  ///< how many rows it has
  Part part() const { return part_; }                 ///< whole rows, a user's part or candidates' parts

 private:
  friend struct internal::InputAccess;
  explicit Input(std::size_t num_rows) : num_rows_(num_rows) {}

  const internal::InputCalls* calls_ = nullptr;  ///< null: values_ are x
  Span<const FeatureColumn> columns_;
  Span<const float> values_;      ///< x; with interleaved_ each row's raw values, feature after feature
  Span<const std::int32_t> ids_;  ///< with interleaved_, as values_
  std::size_t stride_ = 0, ids_stride_ = 0;
  std::size_t num_rows_;
  const Status* status_ = nullptr;  ///< of a row builder
  const void* model_ = nullptr;     ///< whose rows a row builder has: Model::data()
  Part part_ = Part::kWhole;
  bool interleaved_ = false;
};

/// Where results go. Scores are required; an empty array means that the other results are not wanted. Strides are in
/// floats; 0: without gaps.
struct Output {
  Span<float> scores = {};        ///< [num_rows, Plan::num_tasks()]
  std::size_t scores_stride = 0;  ///< from a row's scores to the next row's

  /// [num_rows, Plan::num_gate_weights()]; Plan::gate() says which columns belong to a gate. The weights are those of
  /// the softmax, after top-k, min_gate_weight and renormalisation, and before the constants that a gate may have
  /// behind its softmax. The weight of an expert that is not selected is 0. NaN for a row with an input that is not
  /// finite.
  Span<float> gate_weights = {};
  std::size_t gate_weights_stride = 0;  ///< from a row's weights to the next row's

  /// [num_rows, Plan::num_logits()]: outputs of the towers, from which links compute scores; Plan::logits() says which
  /// columns belong to a task. NaN for a row with an input that is not finite.
  Span<float> logits = {};
  std::size_t logits_stride = 0;  ///< from a row's logits to the next row's
};

}  // namespace v0_1
}  // namespace mmoe
