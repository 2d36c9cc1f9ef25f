// What a model file holds besides the model.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace mmoe::converter {

/// Rows for mmoe-verify. values and ids as schema::GoldenRows.
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

}  // namespace mmoe::converter
