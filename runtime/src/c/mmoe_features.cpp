// Raw features: categories, and columns of values for scoring.
#include "c/handles.h"
#include "c/input.h"
#include "c/structs.h"
#include "mmoe/mmoe.h"

using mmoe::ErrorCode;
using mmoe::FeatureColumn;
using mmoe::Input;
using mmoe::Result;
using namespace mmoe::internal;

MMOE_ENDS_WITH(mmoe_category, integer);
static_assert(sizeof(mmoe_feature_column) == sizeof(FeatureColumn) &&
              offsetof(mmoe_feature_column, values) == offsetof(FeatureColumn, values) &&
              offsetof(mmoe_feature_column, ids) == offsetof(FeatureColumn, ids));

namespace {

Result<Input> input_of_columns(const mmoe_columns& columns, size_t num_rows) {
  if (!columns.columns && columns.num_columns != 0) return make_error(ErrorCode::kInvalidArgument, "columns: null");
  for (size_t i = 0; i < columns.num_columns; ++i) {
    const mmoe_feature_column& column = columns.columns[i];
    if ((column.values || column.num_values == 0) && (column.ids || column.num_ids == 0)) continue;
    return make_error(ErrorCode::kInvalidArgument, "columns[", i, "]: null");
  }
  return Input::columns({reinterpret_cast<const FeatureColumn*>(columns.columns), columns.num_columns}, num_rows);
}

enum class Values { kTexts, kIntegers, kNumbers };

bool takes(const mmoe::FeatureInfo& feature, Values values) {
  if (feature.kind == mmoe::FeatureKind::kDense || feature.num_parts > 1) return false;
  if (values == Values::kNumbers) return feature.number_values;
  return values == Values::kTexts ? feature.string_values : !feature.string_values || feature.hashed;
}

// A feature whose categories are such values.
mmoe::Status check_vocabulary(const mmoe_model& model, size_t index, Values values) {
  const size_t num_features = model.model.num_features();
  if (index >= num_features) {
    return make_error(ErrorCode::kInvalidArgument, "feature ", index, ": expected an index below ", num_features);
  }
  const mmoe::FeatureInfo feature = model.model.feature(index);
  if (takes(feature, values)) return {};
  const bool numbers = feature.kind == mmoe::FeatureKind::kDense || feature.number_values;
  return make_error(ErrorCode::kInvalidArgument, "feature ", index, ": its values are ",
                    feature.num_parts > 1   ? "crossed: only rows have ids of them"
                    : numbers               ? "numbers"
                    : feature.string_values ? "texts"
                                            : "integers");
}

template <class Integer>
mmoe_status find_id(const mmoe_model* model, size_t feature, Integer value, int32_t* id) {
  if (!model || !id) return null_argument(model ? "id" : "model");
  *id = MMOE_UNKNOWN_ID;
  if (mmoe::Status status = check_vocabulary(*model, feature, Values::kIntegers); !status) return fail(status.error());
  *id = model->model.find_id(feature, value);
  return MMOE_OK;
}

}  // namespace

extern "C" {

mmoe_status mmoe_model_find_id_text(const mmoe_model* model, size_t feature, const char* text, size_t size,
                                    int32_t* id) {
  if (!model || !id || (!text && size != 0)) return null_argument(!model ? "model" : !id ? "id" : "text");
  *id = MMOE_UNKNOWN_ID;
  if (mmoe::Status status = check_vocabulary(*model, feature, Values::kTexts); !status) return fail(status.error());
  *id = model->model.find_id(feature, std::string_view(text, size));
  return MMOE_OK;
}

mmoe_status mmoe_model_find_id_integer(const mmoe_model* model, size_t feature, int64_t value, int32_t* id) {
  return find_id(model, feature, value, id);
}

mmoe_status mmoe_model_find_id_unsigned(const mmoe_model* model, size_t feature, uint64_t value, int32_t* id) {
  return find_id(model, feature, value, id);
}

mmoe_status mmoe_model_find_bin(const mmoe_model* model, size_t feature, double value, int32_t* id) {
  if (!model || !id) return null_argument(model ? "id" : "model");
  *id = MMOE_UNKNOWN_ID;
  if (mmoe::Status status = check_vocabulary(*model, feature, Values::kNumbers); !status) return fail(status.error());
  *id = model->model.find_bin(feature, value);
  return MMOE_OK;
}

size_t mmoe_model_num_categories(const mmoe_model* model, size_t feature) {
  return feature < mmoe_model_num_features(model) ? model->model.num_categories(feature) : 0;
}

mmoe_status mmoe_model_category(const mmoe_model* model, size_t feature, size_t place, mmoe_category* category) {
  if (!model) return null_argument("model");
  const size_t count = mmoe_model_num_categories(model, feature);
  if (place >= count) {
    return fail(make_error(ErrorCode::kInvalidArgument, "feature ", feature, ": it lists ", count,
                           " categories, there is no place ", place));
  }
  const mmoe::Category found = model->model.category(feature, place);
  mmoe_category full = {};
  full.text = found.text.data();
  full.text_size = found.text.size();
  full.id = found.id;
  full.is_unsigned = found.is_unsigned;
  full.integer = found.integer;
  return write_struct(full, "category", category);
}

mmoe_columns mmoe_columns_make(const mmoe_feature_column* columns, size_t num_columns) {
  return {columns, num_columns, reinterpret_cast<void (*)(void)>(&input_of_columns)};
}

}  // extern "C"
