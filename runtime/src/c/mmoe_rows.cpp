// The row builder for C.
#include "mmoe/rows.h"

#include <utility>

#include "c/handles.h"
#include "c/structs.h"
#include "mmoe/mmoe.h"

using mmoe::ErrorCode;
using mmoe::FeatureKey;
using mmoe::Input;
using mmoe::RawValue;
using mmoe::Result;
using mmoe::Rows;
using mmoe::Span;
using mmoe::Status;
using namespace mmoe::internal;

MMOE_ENDS_WITH(mmoe_rows_options, reserved);
static_assert(MMOE_WHOLE == int(mmoe::Part::kWhole) && MMOE_USER_PART == int(mmoe::Part::kUser) &&
              MMOE_CANDIDATE_PART == int(mmoe::Part::kCandidate));

namespace {

Result<Input> input_of_rows(const mmoe_rows& rows) {
  if (!rows.misuse) return rows.misuse.error();
  return Input::rows(rows.rows);
}

Status read_options(const mmoe_rows_options* options, mmoe::RowsOptions& result) {
  mmoe_rows_options full;
  if (Status status = read_struct(options, "options", full); !status) return status;
  if (full.part < MMOE_WHOLE || full.part > MMOE_CANDIDATE_PART) {
    return make_error(ErrorCode::kInvalidArgument, "options.part: ", std::int64_t{full.part}, ", expected 0 to ",
                      std::int64_t{MMOE_CANDIDATE_PART});
  }
  if (full.max_rows != 0) result.max_rows = full.max_rows;
  result.part = static_cast<mmoe::Part>(full.part);
  return {};
}

// A name that is null is one that the model does not have: an error like any other of the builder's.
FeatureKey key_of(const char* name) { return FeatureKey(std::string_view(name ? name : "")); }
FeatureKey key_of(size_t index) { return FeatureKey(index); }

Status misuse(mmoe_rows& rows, const char* name, const char* what) {
  if (rows.misuse) rows.misuse = make_error(ErrorCode::kInvalidArgument, name, ": ", what);
  return rows.misuse;
}

template <class Key>
mmoe_status set(mmoe_rows* rows, size_t row, Key feature, const RawValue& value) {
  if (!rows) return null_argument("rows");
  if (!rows->misuse) return finish(rows->misuse);
  return finish(rows->rows.set(row, key_of(feature), value));
}

// A null text is a missing value.
RawValue text_value(const char* text) { return text ? RawValue(text) : RawValue(); }
RawValue text_value(const char* text, size_t size) {
  return text ? RawValue(std::string_view(text, size)) : RawValue();
}

template <class Element>
Span<const Element> span_of(const mmoe_values& values) {
  return {static_cast<const Element*>(values.data), values.size};
}

// use(value) with what `values` are; a misuse of the builder where they are nothing.
template <class Use>
mmoe_status with_values(mmoe_rows* rows, const mmoe_values* values, const Use& use) {
  if (!rows) return null_argument("rows");
  if (!rows->misuse) return finish(rows->misuse);
  if (!values) return finish(misuse(*rows, "values", "null"));
  if ((!values->data && values->size != 0) || (!values->bytes && values->num_bytes != 0)) {
    return finish(misuse(*rows, values->data ? "values.bytes" : "values.data", "null"));
  }
  if (values->size >= PTRDIFF_MAX / sizeof(std::int64_t)) return finish(misuse(*rows, "values.size", "too large"));
  switch (values->type) {
    case MMOE_FLOATS: return finish(use(RawValue(span_of<float>(*values))));
    case MMOE_DOUBLES: return finish(use(RawValue(span_of<double>(*values))));
    case MMOE_INT32S: return finish(use(RawValue(span_of<std::int32_t>(*values))));
    case MMOE_INT64S: return finish(use(RawValue(span_of<std::int64_t>(*values))));
    case MMOE_UINT64S: return finish(use(RawValue(span_of<std::uint64_t>(*values))));
    case MMOE_TEXTS: return finish(use(RawValue(span_of<const char*>(*values))));
    case MMOE_PACKED_TEXTS:
      return finish(
          use(RawValue::packed({values->bytes, values->num_bytes},
                               {static_cast<const std::int32_t*>(values->data), values->data ? values->size + 1 : 0})));
    default: return finish(misuse(*rows, "values.type", "expected MMOE_FLOATS, ... or MMOE_UINT64S"));
  }
}

template <class Key>
mmoe_status set_list(mmoe_rows* rows, size_t row, Key feature, const mmoe_values* list) {
  return with_values(rows, list, [&](const RawValue& value) { return rows->rows.set(row, key_of(feature), value); });
}

template <class Key>
mmoe_status set_column(mmoe_rows* rows, Key feature, const mmoe_values* values, const int32_t* row_offsets,
                       size_t num_offsets) {
  return with_values(rows, values, [&](const RawValue& value) {
    if (!row_offsets && num_offsets != 0) return misuse(*rows, "row_offsets", "null");
    return rows->rows.set_column(key_of(feature), value, {row_offsets, num_offsets});
  });
}

template <class Key>
mmoe_status set_ids(mmoe_rows* rows, Key feature, const int32_t* ids, size_t num_ids) {
  if (!rows) return null_argument("rows");
  if (!rows->misuse) return finish(rows->misuse);
  if (!ids && num_ids != 0) return finish(misuse(*rows, "ids", "null"));
  return finish(rows->rows.set_ids(key_of(feature), {ids, num_ids}));
}

template <class Key>
mmoe_status set_weights(mmoe_rows* rows, size_t row, Key feature, const mmoe_values* weights) {
  return with_values(rows, weights,
                     [&](const RawValue& value) { return rows->rows.set_weights(row, key_of(feature), value); });
}

template <class Key>
mmoe_status set_weights_column(mmoe_rows* rows, Key feature, const mmoe_values* weights, const int32_t* row_offsets,
                               size_t num_offsets) {
  return with_values(rows, weights, [&](const RawValue& value) {
    if (!row_offsets && num_offsets != 0) return misuse(*rows, "row_offsets", "null");
    return rows->rows.set_weights_column(key_of(feature), value, {row_offsets, num_offsets});
  });
}

}  // namespace

extern "C" {

mmoe_status mmoe_rows_create(const mmoe_model* model, const mmoe_rows_options* options, mmoe_rows** rows) {
  if (!model || !rows) return null_argument(model ? "rows" : "model");
  *rows = nullptr;
  mmoe::RowsOptions chosen;
  if (Status status = read_options(options, chosen); !status) return fail(status.error());
  Result<Rows> created = Rows::create(model->model, chosen);
  if (!created) return fail(created.error());
  return keep_handle(rows, std::move(*created), Status(), &input_of_rows, true);
}

mmoe_status mmoe_rows_bytes(const mmoe_model* model, const mmoe_rows_options* options, size_t* bytes) {
  if (!model || !bytes) return null_argument(model ? "bytes" : "model");
  mmoe::RowsOptions chosen;
  if (Status status = read_options(options, chosen); !status) return fail(status.error());
  *bytes = with_handle<mmoe_rows>(Rows::bytes(model->model, chosen));
  return MMOE_OK;
}

mmoe_status mmoe_rows_create_in(const mmoe_model* model, const mmoe_rows_options* options, void* memory,
                                size_t memory_bytes, mmoe_rows** rows) {
  if (!model || !memory || !rows) return null_argument(!model ? "model" : !memory ? "memory" : "rows");
  *rows = nullptr;
  mmoe::RowsOptions chosen;
  if (Status status = read_options(options, chosen); !status) return fail(status.error());
  const std::size_t needed = with_handle<mmoe_rows>(Rows::bytes(model->model, chosen));
  if (memory_bytes < needed) {
    return fail(make_error(ErrorCode::kArenaTooSmall, "memory: ", memory_bytes, " bytes, needs ", needed));
  }
  char* handle = place_of<mmoe_rows>(memory);
  char* rest = handle + sizeof(mmoe_rows);
  const std::size_t used = static_cast<std::size_t>(rest - static_cast<char*>(memory));
  Result<Rows> created = Rows::create(model->model, rest, memory_bytes - used, chosen);
  if (!created) return fail(created.error());
  *rows = new (handle) mmoe_rows{std::move(*created), Status(), &input_of_rows, false};
  return MMOE_OK;
}

void mmoe_rows_free(mmoe_rows* rows) { free_handle(rows); }

mmoe_status mmoe_rows_set_weights(mmoe_rows* rows, size_t row, const char* feature, const mmoe_values* weights) {
  return set_weights(rows, row, feature, weights);
}
mmoe_status mmoe_rows_set_weights_at(mmoe_rows* rows, size_t row, size_t feature, const mmoe_values* weights) {
  return set_weights(rows, row, feature, weights);
}
mmoe_status mmoe_rows_set_weights_column(mmoe_rows* rows, const char* feature, const mmoe_values* weights,
                                         const int32_t* row_offsets, size_t num_offsets) {
  return set_weights_column(rows, feature, weights, row_offsets, num_offsets);
}
mmoe_status mmoe_rows_set_weights_column_at(mmoe_rows* rows, size_t feature, const mmoe_values* weights,
                                            const int32_t* row_offsets, size_t num_offsets) {
  return set_weights_column(rows, feature, weights, row_offsets, num_offsets);
}

mmoe_status mmoe_rows_set_missing(mmoe_rows* rows, size_t row, const char* feature) {
  return set(rows, row, feature, RawValue());
}
mmoe_status mmoe_rows_set_number(mmoe_rows* rows, size_t row, const char* feature, double number) {
  return set(rows, row, feature, number);
}
mmoe_status mmoe_rows_set_integer(mmoe_rows* rows, size_t row, const char* feature, int64_t integer) {
  return set(rows, row, feature, integer);
}
mmoe_status mmoe_rows_set_unsigned(mmoe_rows* rows, size_t row, const char* feature, uint64_t integer) {
  return set(rows, row, feature, integer);
}
mmoe_status mmoe_rows_set_text(mmoe_rows* rows, size_t row, const char* feature, const char* text) {
  return set(rows, row, feature, text_value(text));
}
mmoe_status mmoe_rows_set_text_n(mmoe_rows* rows, size_t row, const char* feature, const char* text, size_t size) {
  return set(rows, row, feature, text_value(text, size));
}

mmoe_status mmoe_rows_set_missing_at(mmoe_rows* rows, size_t row, size_t feature) {
  return set(rows, row, feature, RawValue());
}
mmoe_status mmoe_rows_set_number_at(mmoe_rows* rows, size_t row, size_t feature, double number) {
  return set(rows, row, feature, number);
}
mmoe_status mmoe_rows_set_integer_at(mmoe_rows* rows, size_t row, size_t feature, int64_t integer) {
  return set(rows, row, feature, integer);
}
mmoe_status mmoe_rows_set_unsigned_at(mmoe_rows* rows, size_t row, size_t feature, uint64_t integer) {
  return set(rows, row, feature, integer);
}
mmoe_status mmoe_rows_set_text_at(mmoe_rows* rows, size_t row, size_t feature, const char* text) {
  return set(rows, row, feature, text_value(text));
}
mmoe_status mmoe_rows_set_text_n_at(mmoe_rows* rows, size_t row, size_t feature, const char* text, size_t size) {
  return set(rows, row, feature, text_value(text, size));
}

mmoe_status mmoe_rows_set_list(mmoe_rows* rows, size_t row, const char* feature, const mmoe_values* list) {
  return set_list(rows, row, feature, list);
}
mmoe_status mmoe_rows_set_list_at(mmoe_rows* rows, size_t row, size_t feature, const mmoe_values* list) {
  return set_list(rows, row, feature, list);
}

mmoe_status mmoe_rows_set_column(mmoe_rows* rows, const char* feature, const mmoe_values* values,
                                 const int32_t* row_offsets, size_t num_offsets) {
  return set_column(rows, feature, values, row_offsets, num_offsets);
}
mmoe_status mmoe_rows_set_column_at(mmoe_rows* rows, size_t feature, const mmoe_values* values,
                                    const int32_t* row_offsets, size_t num_offsets) {
  return set_column(rows, feature, values, row_offsets, num_offsets);
}

mmoe_status mmoe_rows_set_ids(mmoe_rows* rows, const char* feature, const int32_t* ids, size_t num_ids) {
  return set_ids(rows, feature, ids, num_ids);
}
mmoe_status mmoe_rows_set_ids_at(mmoe_rows* rows, size_t feature, const int32_t* ids, size_t num_ids) {
  return set_ids(rows, feature, ids, num_ids);
}

mmoe_status mmoe_rows_clear(mmoe_rows* rows, size_t num_rows) {
  if (!rows) return null_argument("rows");
  rows->misuse = Status();
  return finish(rows->rows.clear(num_rows));
}

size_t mmoe_rows_num_rows(const mmoe_rows* rows) { return rows ? rows->rows.num_rows() : 0; }
size_t mmoe_rows_max_rows(const mmoe_rows* rows) { return rows ? rows->rows.max_rows() : 0; }
int32_t mmoe_rows_part(const mmoe_rows* rows) { return rows ? static_cast<int32_t>(rows->rows.part()) : 0; }

mmoe_status mmoe_rows_status(const mmoe_rows* rows) {
  if (!rows) return null_argument("rows");
  return finish(rows->misuse.ok() ? rows->rows.status() : rows->misuse);
}

}  // extern "C"
