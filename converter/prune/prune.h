// Ids that the user's rows hardly have are dropped from vocabularies, and their rows from embedding tables.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "converter/model/model.h"

namespace mmoe::converter {

/// How often rows have each id.
struct IdCounts {
  uint64_t num_rows = 0;
  std::vector<std::vector<uint32_t>> features;  ///< per feature [rows of its table], of which counts end at 2^32 - 1;
                                                ///< empty: a dense one

  uint32_t of(size_t feature, size_t id) const { return features[feature][id]; }
};

/// Of rows (CSV or .npy, as mmoe-score reads them), by the vocabularies in the bytes of `model`'s file. Takes 4 bytes
/// for each row of a feature's table. Throws ConvertError for a file that does not load, ToolError for rows that cannot
/// be read, and where there are none.
IdCounts count_ids(std::string_view file, const TrainedModel& model, const std::string& rows_path);

/// What became of a categorical feature, or of a sequence.
struct PrunedFeature {
  std::string name;
  size_t num_keys = 0, num_dropped = 0;
  uint64_t num_values = 0, num_dropped_values = 0;  ///< of the rows: known ones, and those that are unknown now
  bool refuses_unknown = false;                     ///< so it keeps all
};

struct PrunedTable {
  std::string name;
  size_t num_rows = 0, num_kept = 0;
};

struct PruneReport {
  uint64_t num_rows = 0;
  std::vector<PrunedFeature> features;
  std::vector<PrunedTable> tables;
};

/// Drops the keys whose id fewer than `least` values have, those of all features that share its table together. A
/// dropped value is an unknown one from then on. What stays: the keys of features that refuse unknown values, hash
/// buckets, bins, padding ids, and the rows that unknown values take. Tables keep the rows that are reached, in their
/// order, so a row of values that are kept has the scores that it had, to the bit. Throws ConvertError for a feature
/// that would lose all keys.
PruneReport prune(const IdCounts& counts, uint32_t least, TrainedModel& model);

}  // namespace mmoe::converter
