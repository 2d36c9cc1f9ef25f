#include "session/encode.h"

#include "core/make_error.h"
#include "schema/mmoe_generated.h"

namespace mmoe::internal {
namespace {

// Ids with the unknown rule applied; -1 stands for a zero embedding.
Status resolve_ids(const FeatureStep& feature, std::size_t index, const std::int32_t* ids, std::size_t first_row,
                   std::size_t num_rows, std::int32_t* resolved) {
  for (std::size_t row = 0; row < num_rows; ++row) {
    const std::int32_t id = ids[row];
    resolved[row] = id;
    if (id >= 0 && static_cast<std::uint32_t>(id) < feature.num_ids) continue;
    if (id != Model::kUnknownId) {
      return make_error(ErrorCode::kInvalidArgument, "feature ", index, ", row ", first_row + row, ": id ",
                        id < 0 ? "below -1" : "beyond the table's ", id < 0 ? 0u : feature.num_ids, " rows");
    }
    if (feature.unknown_rule == schema::UnknownRule_Error) {
      return make_error(ErrorCode::kUnknownCategory, "feature ", index, ", row ", first_row + row,
                        ": unknown category");
    }
    if (feature.unknown_rule == schema::UnknownRule_Id) resolved[row] = feature.unknown_id;
  }
  return {};
}

void scale(const Program& program, const FeatureStep& feature, const float* values, std::size_t num_rows) {
  for (std::size_t i = 0; i < feature.width; ++i) {
    program.kernels->scale({values + i, feature.width, num_rows, feature.offset, feature.factor, feature.lower,
                            feature.upper, feature.missing, program.input.data + feature.column + i,
                            program.input.stride});
  }
}

}  // namespace

Status encode_features(const Program& program, const FeatureColumns& features, std::size_t first_row,
                       std::size_t num_rows) {
  for (std::size_t i = 0; i < features.count; ++i) {
    const std::size_t index = features.first + i;
    const FeatureStep& feature = program.features[index];
    if (!feature.sparse) {
      scale(program, feature, features.columns[i].values + first_row * feature.width, num_rows);
      continue;
    }
    Status status = resolve_ids(feature, index, features.columns[i].ids + first_row, first_row, num_rows, program.ids);
    if (!status) return status;
    program.kernels->lookup({feature.table, feature.width, program.ids, num_rows, program.input.data + feature.column,
                             program.input.stride});
  }
  return {};
}

Status check_columns(const Program& program, const FeatureColumns& features) {
  if (!features.columns) return make_error(ErrorCode::kInvalidArgument, "columns: null");
  for (std::size_t i = 0; i < features.count; ++i) {
    const bool sparse = program.features[features.first + i].sparse;
    if (sparse ? features.columns[i].ids != nullptr : features.columns[i].values != nullptr) continue;
    return make_error(ErrorCode::kInvalidArgument, "columns[", i, "].", sparse ? "ids" : "values", ": null");
  }
  return {};
}

}  // namespace mmoe::internal
