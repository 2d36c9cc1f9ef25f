// What a model file holds besides the model.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace mmoe::converter {

/// As schema::ScoreChange.
struct ScoreChange {
  uint64_t num_rows = 0;
  std::string rows_file;       ///< empty: golden rows only
  std::vector<float> largest;  ///< per task; empty: all numbers are f32
  std::vector<float> mean;
  std::vector<uint32_t> num_labels;  ///< per task; empty, as the two below: no rows file
  std::vector<float> f32_quality;
  std::vector<float> quality;
  std::vector<bool> is_auc;  ///< else R squared; the file's links say it
};

/// Rows for mmoe-verify. values and ids as schema::GoldenRows.
struct Golden {
  size_t num_rows = 0;
  std::vector<float> values;
  std::vector<int32_t> ids;
  std::vector<float> scores;        ///< [num_rows, number of tasks]
  std::vector<float> f32_scores{};  ///< the same of the model in f32; empty where all numbers are
  ScoreChange change{};
};

struct ProvenanceInfo {
  std::string weights_file;
  uint64_t weights_xxh64 = 0;
  uint64_t description_xxh64 = 0;
};

}  // namespace mmoe::converter
