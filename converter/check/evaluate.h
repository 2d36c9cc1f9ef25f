// Plain-loop evaluation of the intermediate representation in double precision, before anything is folded or
// fused: what the lowered float file must reproduce, and how far float rounding may take it from there.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "converter/lowering/lowered.h"
#include "converter/model/model.h"

namespace mmoe::converter {

/// Stands behind the last element of a sequence, as mmoe::Model::kNoElement.
constexpr int32_t kNoElement = -2;

/// Rows as the model's features take them, or rows of x for a model without features.
struct RawRows {
  size_t num_rows = 0;
  std::vector<float> values;  ///< [num_rows, sum of dense widths], in feature order; or x [num_rows, input_dim]
  std::vector<int32_t> ids;   ///< [num_rows, ids per row], in feature order; -1 is unknown, kNoElement no element
};

struct Evaluated {
  std::vector<double> scores;  ///< [num_rows, tasks that are outputs], as bounds
  /// [num_rows, num_tasks]: no correct float runtime is further from the score than this. Infinite where a top-k
  /// gate's choice is within rounding error, or where a score is not finite.
  std::vector<double> bounds;
  /// Per gate, levels in order: [num_rows, experts of the gate], 0 for an unselected expert. On request.
  std::vector<std::vector<double>> gate_weights;
};

/// Throws ConvertError when the rows' sizes are not the model's, when an id is beyond its table, and for an
/// unknown id whose feature's rule is to refuse the row.
Evaluated evaluate(const TrainedModel& model, const RawRows& rows, bool with_gate_weights = false);

/// The same of a lowered model, with the numbers that its file stores.
Evaluated evaluate(const LoweredModel& model, const RawRows& rows);

/// Plausible rows, the same on every platform for a seed. Dense values span the clipping range where there is one,
/// else scale to N(0, 1); those of a function are in its domain; ids are uniform over the vocabulary. About one value
/// in 16 is missing or unknown where the feature has a rule for it. Without features x is N(0, 1).
RawRows random_rows(const TrainedModel& model, size_t num_rows, uint64_t seed);

}  // namespace mmoe::converter
