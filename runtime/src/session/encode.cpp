// From raw feature values to x.
#include "model/parts.h"
#include "plan/arena.h"
#include "schema/mmoe_generated.h"
#include "session/call.h"
#include "session/place.h"
#include "session/x_order.h"

namespace mmoe::internal {
namespace {

// What resolve_id() makes of an id that is an error.
constexpr std::int32_t kRefused = INT32_MIN;

// One id with the unknown rule applied; -1 stands for a zero embedding. Makes no Status, since it runs for every id.
std::int32_t resolve_id(const FeatureStep& feature, std::int32_t id) {
  if (id >= 0 && static_cast<std::uint32_t>(id) < feature.num_ids) return id;
  if (id != Model::kUnknownId || feature.unknown_rule == schema::UnknownRule_Error) return kRefused;
  return feature.unknown_rule == schema::UnknownRule_Id ? feature.unknown_id : Model::kUnknownId;
}

[[gnu::noinline]] Error refused_id(const Program& program, const FeatureStep& feature, std::size_t row,
                                   std::int32_t id) {
  const FeaturePlace place{{program.file, static_cast<std::size_t>(&feature - program.features)}, row};
  if (id == Model::kUnknownId) {
    return make_error(ErrorCode::kUnknownCategory, place, "missing or unknown category, which the feature refuses");
  }
  return make_error(ErrorCode::kInvalidArgument, place, "id ", id, ", expected -1 (unknown) or below ",
                    feature.num_ids);
}

/// Some rows' ids of one feature, `stride` apart.
struct Ids {
  const std::int32_t* data;
  std::size_t stride;
  std::size_t first_row, num_rows;  ///< rows are counted in the call
  const float* weights;             ///< of the ids, where the feature has some
  std::size_t weights_stride;
};

Status look_up(const Program& program, const FeatureStep& feature, const Ids& ids) {
  for (std::size_t row = 0; row < ids.num_rows; ++row) {
    const std::int32_t id = ids.data[row * ids.stride];
    program.ids[row] = resolve_id(feature, id);
    if (program.ids[row] == kRefused) return refused_id(program, feature, ids.first_row + row, id);
  }
  program.kernels->lookup({feature.table_type, feature.table, feature.width, program.ids, ids.num_rows,
                           program.input.data + feature.column, program.input.stride});
  return {};
}

Status pool(const Program& program, const FeatureStep& feature, const Ids& ids) {
  for (std::size_t row = 0; row < ids.num_rows; ++row) {
    std::size_t count = 0;
    for (std::size_t i = 0; i < feature.length; ++i) {
      const std::int32_t id = ids.data[row * ids.stride + i];
      if (id == Model::kNoElement) continue;
      const std::int32_t resolved = resolve_id(feature, id);
      if (resolved == kRefused) return refused_id(program, feature, ids.first_row + row, id);
      if (resolved < 0 || resolved == feature.padding_id) continue;
      program.ids[count] = resolved;
      if (kHasWeights && feature.weighted) {
        const float weight = ids.weights[row * ids.weights_stride + i];
        if (feature.pooling != kernels::Pooling::kSum && weight <= 0) continue;  // as TensorFlow leaves them out
        program.weights[count] = weight;
      }
      ++count;
    }
    if (kHasWeights && count == 0 && feature.empty_id >= 0) {
      program.ids[count++] = feature.empty_id;
      if (feature.weighted) program.weights[0] = 1;
    }
    program.kernels->pool({feature.table_type, feature.table, feature.width, program.ids, count, feature.pooling,
                           program.input.data + row * program.input.stride + feature.column,
                           kHasWeights && feature.weighted ? program.weights : nullptr});
  }
  return {};
}

// Embeddings side by side, then which of them there are.
Status keep(const Program& program, const FeatureStep& feature, const Ids& ids) {
  const std::size_t width = feature.width / feature.length - 1;
  for (std::size_t row = 0; row < ids.num_rows; ++row) {
    float* x = program.input.data + row * program.input.stride + feature.column;
    float* mask = x + width * feature.length;
    bool empty = true;
    for (std::size_t i = 0; i < feature.length; ++i) {
      const std::int32_t id = ids.data[row * ids.stride + i];
      const std::int32_t resolved = id == Model::kNoElement ? Model::kUnknownId : resolve_id(feature, id);
      if (resolved == kRefused) return refused_id(program, feature, ids.first_row + row, id);
      const bool there = resolved >= 0 && resolved != feature.padding_id;
      program.ids[i] = there ? resolved : -1;
      mask[i] = there ? 1.0f : 0.0f;
      empty = empty && !there;
    }
    if (kHasWeights && empty && feature.empty_id >= 0) {
      program.ids[0] = feature.empty_id;
      mask[0] = 1;
    }
    program.kernels->lookup({feature.table_type, feature.table, width, program.ids, feature.length, x, width});
  }
  return {};
}

float result_of(const FeatureStep& feature, float value) {
  const bool normal = feature.function == kernels::NumberFunction::kNormalPoints;
  return normal || feature.function == kernels::NumberFunction::kPoints
             ? kernels::interpolate(feature.points, normal, value)
             : kernels::apply(feature.function, feature.exponent, value);
}

// A feature's columns of x hold its clamped values, and get what the function and the scaling make of them.
void apply_function(const Program& program, const FeatureStep& feature, std::size_t num_rows) {
  for (std::size_t row = 0; row < num_rows; ++row) {
    float* x = program.input.data + row * program.input.stride + feature.column;
    for (std::size_t i = 0; i < feature.width; ++i) {
      x[i] = (result_of(feature, x[i]) - feature.offset) * feature.factor;
    }
  }
}

void scale(const Program& program, const FeatureStep& feature, const float* values, std::size_t stride,
           std::size_t num_rows) {
  const bool plain = !kHasFunctions || feature.function == kernels::NumberFunction::kIdentity;
  for (std::size_t i = 0; i < feature.width; ++i) {
    program.kernels->scale({values + i, stride, num_rows, plain ? feature.offset : 0, plain ? feature.factor : 1,
                            feature.lower, feature.upper, feature.missing, program.input.data + feature.column + i,
                            program.input.stride});
  }
  if (!plain) apply_function(program, feature, num_rows);
}

// Numbers per row: of a dense feature, or weights of a sequence.
std::size_t values_per_row(const FeatureStep& feature) {
  return kHasWeights && feature.weighted ? feature.length : feature.sparse ? 0 : feature.width;
}

Status encode(const Program& program, const Call& call, std::size_t first_row, std::size_t num_rows) {
  const bool interleaved = call.interleaved;
  const float* values = call.values.data();  // of the next dense feature, in rows one after the other
  const std::int32_t* ids = call.ids.data();
  for (std::size_t i = 0; i < program.num_features; ++i) {
    const FeatureStep& feature = program.features[i];
    if (!interleaved) {
      values = call.columns[i].values.data();
      ids = call.columns[i].ids.data();
    }
    Status status;
    if (!is_in_part(program, feature, call.part)) {
    } else if (feature.sparse) {
      const std::size_t stride = interleaved ? call.ids_stride : feature.length;
      const std::size_t weights_stride = interleaved ? call.stride : feature.length;
      const Ids rows{ids + first_row * stride,
                     stride,
                     first_row,
                     num_rows,
                     kHasWeights && feature.weighted ? values + first_row * weights_stride : nullptr,
                     weights_stride};
      status = kHasNodes && feature.kept ? keep(program, feature, rows)
               : feature.pooled          ? pool(program, feature, rows)
                                         : look_up(program, feature, rows);
    } else {
      const std::size_t stride = interleaved ? call.stride : feature.width;
      scale(program, feature, values + first_row * stride, stride, num_rows);
    }
    if (!status) return status;
    if (interleaved && feature.sparse) ids += feature.length;
    if (interleaved) values += values_per_row(feature);
  }
  return {};
}

Status check_length(const Program& program, std::size_t index, const FeatureColumn& column, std::size_t num_rows,
                    bool ids) {
  const FeatureStep& feature = program.features[index];
  const std::size_t found = ids ? column.ids.size() : column.values.size();
  const std::size_t width = ids ? feature.length : values_per_row(feature);
  const bool is_null = ids ? column.ids.data() == nullptr : column.values.data() == nullptr;
  if (!is_null && found % width == 0 && found / width == num_rows) return {};
  if (found == 0 && num_rows == 0) return {};
  return make_error(ErrorCode::kInvalidArgument, "columns[", index, "].", ids ? "ids" : "values", " (",
                    FeatureName{program.file, index}, "): length ", is_null ? 0 : found,
                    Needed{saturating_multiply(num_rows, width), num_rows, width});
}

Status check_column(const Program& program, std::size_t index, const FeatureColumn& column, std::size_t num_rows) {
  const FeatureStep& feature = program.features[index];
  Status status = check_length(program, index, column, num_rows, feature.sparse);
  return kHasWeights && status && feature.weighted ? check_length(program, index, column, num_rows, false) : status;
}

Status check_columns(const Program& program, const Call& call) {
  if (!call.columns.data() || call.columns.size() != program.num_features) {
    return make_error(ErrorCode::kInvalidArgument, "columns: length ", call.columns.data() ? call.columns.size() : 0,
                      ", needs ", program.num_features, ", one per feature of the model");
  }
  for (std::size_t i = 0; i < program.num_features; ++i) {
    if (!is_in_part(program, program.features[i], call.part)) continue;
    if (Status status = check_column(program, i, call.columns[i], call.num_rows); !status) return status;
  }
  return {};
}

Status check_interleaved(const Program& program, const Call& call) {
  std::size_t num_values = 0, num_ids = 0;
  for (std::size_t i = 0; i < program.num_features; ++i) {
    num_ids += program.features[i].length;
    num_values += values_per_row(program.features[i]);
  }
  if (call.stride == num_values && call.ids_stride == num_ids) return {};
  return make_error(ErrorCode::kInvalidArgument, "golden rows: ", call.stride, " values and ", call.ids_stride,
                    " ids, the model's features have ", num_values, " and ", num_ids);
}

Status check(const Program& program, const Call& call) {
  if (program.num_features == 0) {
    return make_error(ErrorCode::kInvalidArgument, kHasFeatures
                                                       ? "columns: the model has no raw features, its input is x"
                                                       : "columns: this build has no raw features (MMOE_FEATURES=OFF)");
  }
  return call.interleaved ? check_interleaved(program, call) : check_columns(program, call);
}

}  // namespace

const InputCalls kFeatureCalls = {check, encode};

}  // namespace mmoe::internal
