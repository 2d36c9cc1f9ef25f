// A model as the file holds it: batch norms folded away, layers that read the same stream side by side in one
// fused layer, the columns that first layers read with those of shared (user and context) features first.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "converter/model/model.h"

namespace mmoe::converter {

/// What weights cannot take in: a scale and shift per output, or a layer norm; and where it stands (schema/mmoe.fbs).
enum class NormKind { kNone, kChannel, kLayer };
enum class NormUse { kBeforeActivation, kAfterActivation, kDice };

/// Layers that read the same stream and are stored alike, one below the other in a [rows, cols] matrix with one bias
/// per row. It is computed as a whole, and becomes one packed tensor.
struct FusedLayer {
  std::string name;
  WeightType type = WeightType::kF32;
  size_t shared_inputs = 0;         ///< leading columns that candidates of one request share; of what reads x
  Matrix weight;                    ///< after quantise(): the stored numbers
  std::vector<float> scales;        ///< [rows] i8, w8a8: a weight is its scale times the stored number
  std::vector<float> bias;          ///< [rows]
  std::vector<float> slopes;        ///< [rows], or empty: neither prelu nor dice among its layers
  std::vector<float> scale, shift;  ///< [rows], or empty: no normalisation among its layers
};

/// A layer: `outputs` rows of a fused layer, from row `column` on.
struct LoweredDense {
  size_t fused_layer = 0;
  size_t column = 0;
  size_t inputs = 0;
  size_t outputs = 0;
  ActivationKind activation = ActivationKind::kIdentity;
  float alpha = 0, beta = 0;
  NormKind norm = NormKind::kNone;
  NormUse norm_use = NormUse::kBeforeActivation;
  float norm_epsilon = 0;
};

using LoweredMlp = std::vector<LoweredDense>;

struct LoweredExpert {
  LoweredMlp layers;
};

struct LoweredGate {
  LoweredMlp hidden;
  LoweredDense logits;  ///< softmax gates
};

struct LoweredLevel {
  std::vector<LoweredExpert> experts;  ///< parallel to the description's experts and gates
  std::vector<LoweredGate> gates;
};

struct LoweredModel {
  /// After folding: names, streams, features; of the tasks only those that are outputs.
  /// Factors below their number are among them, the others count on into `auxiliary`.
  TrainedModel description;
  std::vector<Task> auxiliary;          ///< computed before the tasks; their factors are auxiliary too
  size_t shared_dim = 0;                ///< leading columns that are user- or context-side
  std::vector<size_t> feature_columns;  ///< first column of each feature, as the first layers' weights have them
  std::vector<FusedLayer> fused_layers;
  LoweredMlp trunk;
  std::vector<LoweredMlp> nodes;  ///< parallel to the description's: attention's parts, then layers
  std::vector<LoweredLevel> levels;
  std::vector<LoweredMlp> towers;
  std::vector<std::string> notes;  ///< layers that are not stored in the type chosen for them, and why
};

/// Never changes what the model computes beyond the rounding of folded weights (done in double).
LoweredModel lower(const TrainedModel& description);

}  // namespace mmoe::converter
