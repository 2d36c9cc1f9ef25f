// From a lowered model to the bytes of a .mmoe file.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "converter/lowering/lowered.h"

namespace mmoe::converter {

/// Rows for mmoe-verify. values and ids as schema::GoldenRows, in the lowered order of features.
struct Golden {
  size_t num_rows = 0;
  std::vector<float> values;
  std::vector<int32_t> ids;
  std::vector<float> scores;  ///< [num_rows, number of tasks]
};

struct ProvenanceInfo {
  std::string weights_file;
  uint64_t weights_xxh64 = 0;
  uint64_t description_xxh64 = 0;
};

/// The file's bytes. The same input gives the same bytes. With `golden.scores` of the right size but any
/// values the file has its final size, so that scores can be computed from it and put in afterwards.
std::vector<uint8_t> serialize(const LoweredModel& model, const Golden& golden, const ProvenanceInfo& provenance);

}  // namespace mmoe::converter
