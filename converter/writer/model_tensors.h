// Which tensors a model's file holds.
#pragma once

#include <cstdint>
#include <vector>

#include "converter/lowering/lowered.h"
#include "converter/writer/segments.h"
#include "converter/writer/vocabulary_tensors.h"

namespace mmoe::converter {

/// Tensor indices of everything that the header refers to; -1: none.
struct ModelTensors {
  struct FusedTensors {
    uint32_t weight, bias;
    int32_t slopes;
    int32_t scale_shift;
  };
  std::vector<FusedTensors> fused_layers;
  std::vector<std::vector<int32_t>> constants;  // [level][gate]: constant weights, or scales of a softmax
  std::vector<int32_t> node_constants;          // one per node
  std::vector<uint32_t> embeddings;
  std::vector<VocabularyTensors> vocabularies;  // one per feature
  std::vector<int32_t> points;                  // one per feature; -1: none
};

/// Packs all weights, vocabularies and embedding tables into segments, in the order in which they are used. `out` reads
/// weights and tables from `model`, which must outlive it, when they are written.
ModelTensors add_tensors(const LoweredModel& model, SegmentBuilder& out);

}  // namespace mmoe::converter
