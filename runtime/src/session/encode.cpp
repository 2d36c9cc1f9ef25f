#include "session/encode.h"

#include "core/make_error.h"
#include "schema/mmoe_generated.h"
#include "session/x_order.h"

namespace mmoe::internal {
namespace {

// One id with the unknown rule applied; -1 stands for a zero embedding.
Status resolve_id(const FeatureStep& feature, std::size_t index, std::size_t row, std::int32_t id,
                  std::int32_t& resolved) {
  resolved = id;
  if (id >= 0 && static_cast<std::uint32_t>(id) < feature.num_ids) return {};
  if (id != Model::kUnknownId) {
    return make_error(ErrorCode::kInvalidArgument, "feature ", index, ", row ", row, ": id ", id,
                      ", expected -1 (unknown) or below ", feature.num_ids);
  }
  if (feature.unknown_rule == schema::UnknownRule_Error) {
    return make_error(ErrorCode::kUnknownCategory, "feature ", index, ", row ", row, ": unknown category");
  }
  if (feature.unknown_rule == schema::UnknownRule_Id) resolved = feature.unknown_id;
  return {};
}

// `ids`: the feature's, of row first_row on.
Status look_up(const Program& program, const FeatureStep& feature, std::size_t index, const std::int32_t* ids,
               std::size_t first_row, std::size_t num_rows) {
  for (std::size_t row = 0; row < num_rows; ++row) {
    if (Status status = resolve_id(feature, index, first_row + row, ids[row], program.ids[row]); !status) return status;
  }
  program.kernels->lookup({feature.table, feature.width, program.ids, num_rows, program.input.data + feature.column,
                           program.input.stride});
  return {};
}

Status pool(const Program& program, const FeatureStep& feature, std::size_t index, const std::int32_t* ids,
            std::size_t first_row, std::size_t num_rows) {
  for (std::size_t row = 0; row < num_rows; ++row) {
    std::size_t count = 0;
    for (std::size_t i = 0; i < feature.length; ++i) {
      const std::int32_t id = ids[row * feature.length + i];
      if (id == Model::kNoElement) continue;
      std::int32_t& resolved = program.ids[count];
      if (Status status = resolve_id(feature, index, first_row + row, id, resolved); !status) return status;
      if (resolved >= 0 && resolved != feature.padding_id) ++count;
    }
    program.kernels->pool({feature.table, feature.width, program.ids, count, feature.pooling,
                           program.input.data + row * program.input.stride + feature.column});
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

Status encode_features(const Program& program, const FeatureColumn* columns, Part part, std::size_t first_row,
                       std::size_t num_rows) {
  for (std::size_t i = 0; i < program.num_features; ++i) {
    const FeatureStep& feature = program.features[i];
    if (!is_in_part(program, feature, part)) continue;
    if (!feature.sparse) {
      scale(program, feature, columns[i].values + first_row * feature.width, num_rows);
      continue;
    }
    const std::int32_t* ids = columns[i].ids + first_row * feature.length;
    Status status = feature.pooled ? pool(program, feature, i, ids, first_row, num_rows)
                                   : look_up(program, feature, i, ids, first_row, num_rows);
    if (!status) return status;
  }
  return {};
}

Status check_columns(const Program& program, const FeatureColumn* columns, Part part) {
  if (!columns) return make_error(ErrorCode::kInvalidArgument, "columns: null");
  for (std::size_t i = 0; i < program.num_features; ++i) {
    const bool sparse = program.features[i].sparse;
    if (sparse ? columns[i].ids != nullptr : columns[i].values != nullptr) continue;
    if (!is_in_part(program, program.features[i], part)) continue;
    return make_error(ErrorCode::kInvalidArgument, "columns[", i, "].", sparse ? "ids" : "values", ": null");
  }
  return {};
}

}  // namespace mmoe::internal
