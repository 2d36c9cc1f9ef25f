#include <limits>

#include "converter/error.h"
#include "converter/prune/prune.h"
#include "mmoe/model.h"
#include "runtime/tools/rows/row_reader.h"
#include "runtime/tools/support/error.h"

namespace mmoe::converter {
namespace {

void add(const int32_t* ids, size_t num_ids, std::vector<uint32_t>& counts) {
  for (size_t i = 0; i < num_ids; ++i) {
    if (ids[i] < 0) continue;  // unknown, or no element
    uint32_t& count = counts[static_cast<size_t>(ids[i])];
    count += count < std::numeric_limits<uint32_t>::max() ? 1 : 0;
  }
}

}  // namespace

IdCounts count_ids(std::string_view file, const TrainedModel& model, const std::string& rows_path) {
  LoadOptions options;
  options.copy_if_misaligned = true;
  const Result<Model> loaded = Model::from_bytes(file.data(), file.size(), options);
  if (!loaded) throw ConvertError(std::string("the written file fails to load: ") + loaded.error().message());
  IdCounts counts;
  for (const Feature& feature : model.features) {
    const std::optional<size_t> embedding = embedding_of(feature);
    counts.features.emplace_back(embedding ? model.embeddings[*embedding].table.rows : 0);
  }
  tools::RowReader reader(rows_path, tools::input_spec(*loaded));
  while (const tools::RowBatch* batch = reader.next()) {
    counts.num_rows += batch->num_rows();
    for (size_t i = 0; i < model.features.size(); ++i) {
      const size_t num_ids = model.features[i].num_ids();
      if (num_ids == 0) continue;
      for (size_t row = 0; row < batch->num_rows(); ++row) add(batch->ids(i, row), num_ids, counts.features[i]);
    }
  }
  if (counts.num_rows == 0) throw tools::ToolError(rows_path + ": no rows");
  return counts;
}

}  // namespace mmoe::converter
