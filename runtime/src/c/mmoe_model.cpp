#include <utility>

#include "c/handles.h"
#include "c/structs.h"
#include "mmoe/golden.h"
#include "mmoe/mmoe.h"
#include "mmoe/model.h"
#include "mmoe/structure.h"

using mmoe::ErrorCode;
using mmoe::Model;
using mmoe::Result;
using mmoe::Status;
using namespace mmoe::internal;

MMOE_ENDS_WITH(mmoe_load_options, copy);
MMOE_ENDS_WITH(mmoe_feature_info, weights_size);
MMOE_ENDS_WITH(mmoe_golden_rows, reserved);
static_assert(MMOE_DENSE == int(mmoe::FeatureKind::kDense) && MMOE_SPARSE == int(mmoe::FeatureKind::kSparse) &&
              MMOE_SEQUENCE == int(mmoe::FeatureKind::kSequence));
static_assert(MMOE_CONTEXT == int(mmoe::Side::kContext) && MMOE_USER == int(mmoe::Side::kUser) &&
              MMOE_ITEM == int(mmoe::Side::kItem));
static_assert(MMOE_ALIGNMENT == Model::kAlignment && MMOE_UNKNOWN_ID == Model::kUnknownId &&
              MMOE_NO_ELEMENT == Model::kNoElement);

namespace {

// `load` makes the model by the options.
template <class Load>
mmoe_status load_model(const mmoe_load_options* options, mmoe_model** model, const Load& load) {
  if (!model) return null_argument("model");
  *model = nullptr;
  mmoe_load_options full;
  if (Status status = read_struct(options, "options", full); !status) return fail(status.error());
  mmoe::LoadOptions load_options;
  load_options.verify_header = full.no_verify_header == 0;
  load_options.verify_checksums = full.verify_checksums != 0;
  load_options.copy_if_misaligned = full.copy_if_misaligned != 0;
  load_options.copy = full.copy != 0;
  Result<Model> loaded = load(load_options);
  if (!loaded) return fail(loaded.error());
  return keep_handle(model, std::move(*loaded));
}

const char* text_of(std::string_view text, size_t* size) {
  if (size) *size = text.size();
  return text.data();
}

const char* no_text(size_t* size) { return text_of({}, size); }

}  // namespace

extern "C" {

mmoe_status mmoe_model_map(const char* path, const mmoe_load_options* options, mmoe_model** model) {
  if (!path) return null_argument("path");
  return load_model(options, model, [path](const mmoe::LoadOptions& how) { return Model::map(path, how); });
}

mmoe_status mmoe_model_from_bytes(const void* data, size_t size, const mmoe_load_options* options, mmoe_model** model) {
  if (!data) return null_argument("data");
  return load_model(options, model, [=](const mmoe::LoadOptions& how) { return Model::from_bytes(data, size, how); });
}

void mmoe_model_free(mmoe_model* model) {
  if (model) model->~mmoe_model();
  release(model);
}

const char* mmoe_model_name(const mmoe_model* model, size_t* size) {
  return model ? text_of(model->model.name(), size) : no_text(size);
}

const char* mmoe_model_architecture(const mmoe_model* model, size_t* size) {
  return model ? text_of(model->model.architecture(), size) : no_text(size);
}

size_t mmoe_model_input_dim(const mmoe_model* model) { return model ? model->model.input_dim() : 0; }
size_t mmoe_model_user_dim(const mmoe_model* model) { return model ? model->model.user_dim() : 0; }
size_t mmoe_model_candidate_dim(const mmoe_model* model) { return model ? model->model.candidate_dim() : 0; }
size_t mmoe_model_num_tasks(const mmoe_model* model) { return model ? model->model.num_tasks() : 0; }

const char* mmoe_model_task_name(const mmoe_model* model, size_t task, size_t* size) {
  return task < mmoe_model_num_tasks(model) ? text_of(model->model.task_name(task), size) : no_text(size);
}

size_t mmoe_model_find_task(const mmoe_model* model, const char* name) {
  return model && name ? model->model.find_task(name) : mmoe_model_num_tasks(model);
}

size_t mmoe_model_num_features(const mmoe_model* model) { return model ? model->model.num_features() : 0; }

mmoe_status mmoe_model_feature(const mmoe_model* model, size_t index, mmoe_feature_info* info) {
  if (!model) return null_argument("model");
  const size_t num_features = model->model.num_features();
  if (index >= num_features) {
    return fail(make_error(ErrorCode::kInvalidArgument, "feature ", index, ": expected an index below ", num_features));
  }
  const mmoe::FeatureInfo feature = model->model.feature(index);
  mmoe_feature_info full = {};
  full.name = text_of(feature.name, &full.name_size);
  full.source = text_of(feature.source, &full.source_size);
  full.column = feature.column;
  full.width = feature.width;
  full.length = feature.length;
  full.num_values = feature.num_values;
  full.num_ids = feature.num_ids;
  full.kind = static_cast<int32_t>(feature.kind);
  full.side = static_cast<int32_t>(feature.side);
  full.string_values = feature.string_values;
  full.refuses_unknown = feature.refuses_unknown;
  full.refuses_missing = feature.refuses_missing;
  full.hashed = feature.hashed;
  full.number_values = feature.number_values;
  full.weights = text_of(feature.weights, &full.weights_size);
  full.num_parts = static_cast<int32_t>(feature.num_parts);
  return write_struct(full, "info", info);
}

const char* mmoe_model_crossed_column(const mmoe_model* model, size_t feature, size_t part, size_t* size) {
  if (feature >= mmoe_model_num_features(model)) return no_text(size);
  const size_t parts = model->model.feature(feature).num_parts;
  return parts > 1 && part < parts ? text_of(model->model.crossed_column(feature, part), size) : no_text(size);
}

size_t mmoe_model_find_feature(const mmoe_model* model, const char* name) {
  return model && name ? model->model.find_feature(name) : mmoe_model_num_features(model);
}

const void* mmoe_model_data(const mmoe_model* model) { return model ? model->model.data() : nullptr; }
size_t mmoe_model_size_bytes(const mmoe_model* model) { return model ? model->model.size_bytes() : 0; }

mmoe_status mmoe_model_verify_checksums(const mmoe_model* model) {
  if (!model) return null_argument("model");
  return finish(model->model.verify_checksums());
}

int32_t mmoe_model_expert_reads(const mmoe_model* model, size_t level, size_t expert, size_t gate) {
  return model && mmoe::expert_reads(model->model, level, expert, gate);
}

mmoe_status mmoe_model_golden_rows(const mmoe_model* model, mmoe_golden_rows* rows) {
  if (!model) return null_argument("model");
  const mmoe::GoldenRows golden = model->model.golden_rows();
  mmoe_golden_rows full = {};
  full.num_rows = golden.num_rows;
  full.values = golden.values;
  full.ids = golden.ids;
  full.scores = golden.scores;
  full.num_values = golden.num_values;
  full.num_ids = golden.num_ids;
  full.has_features = golden.has_features;
  return write_struct(full, "rows", rows);
}

}  // extern "C"
