#include "mmoe/rows.h"

#include <new>

#include "core/heap.h"
#include "model/access.h"
#include "model/vocabulary.h"
#include "plan/arena.h"
#include "session/raw_item.h"
#include "session/rows_state.h"

namespace mmoe {
namespace internal {

// Sees the inside of a key.
struct RowsAccess {
  /// The index of a feature of the builder's part.
  static bool find(RowsState& rows, const FeatureKey& key, std::size_t& index) {
    index = key.index_;
    if (key.by_name_) {
      index = 0;
      while (index < rows.num_features && text_of(feature_of(rows.file, index).name()) != key.name_) ++index;
      if (index == rows.num_features) {
        return refuse(rows, ErrorCode::kInvalidArgument, "feature ", Quoted{key.name_},
                      ": the model has no feature of this name");
      }
    }
    if (index >= rows.num_features) {
      return refuse(rows, ErrorCode::kInvalidArgument, "feature ", index, ": expected an index below ",
                    rows.num_features);
    }
    if (is_in(*ModelAccess::root(rows.file), feature_of(rows.file, index), rows.part)) return true;
    return refuse(rows, ErrorCode::kInvalidArgument, FeatureName{rows.file, index},
                  rows.part == Part::kUser ? ": describes the item, but the rows are of the user part"
                                           : ": describes the user or context, but the rows are of the candidate part");
  }
};

namespace {

using flatbuffers::uoffset_t;

// From an aligned address: the state, the columns, and each feature's values or ids.
struct Layout {
  std::size_t columns, data, total;

  Layout(const schema::Model& root, const RowsOptions& options) {
    columns = round_up(sizeof(RowsState), alignof(FeatureColumn));
    data = saturating_add(columns, saturating_multiply(size_of(root.features()), sizeof(FeatureColumn)));
    std::size_t row = 0;  // an id has the size of a float
    for (uoffset_t i = 0; i < size_of(root.features()); ++i) {
      const schema::Feature& feature = *root.features()->Get(i);
      if (!is_in(root, feature, options.part)) continue;
      row = saturating_add(row, width_of(feature));
      if (is_weighted(feature)) row = saturating_add(row, feature.length());
    }
    const std::size_t all = saturating_multiply(saturating_multiply(row, sizeof(float)), options.max_rows);
    total = saturating_add(saturating_add(data, all), alignof(RowsState) - 1);
  }
};

static_assert(sizeof(float) == sizeof(std::int32_t) && alignof(RowsState) >= alignof(FeatureColumn));

Status check_options(const schema::Model& root, const RowsOptions& options) {
  if (size_of(root.features()) == 0) {
    return make_error(ErrorCode::kInvalidArgument, "rows: the model has no raw features, its input is x");
  }
  if (options.max_rows == 0) return make_error(ErrorCode::kInvalidArgument, "max_rows: 0");
  for (const schema::Feature* feature : *root.features()) {
    if ((options.part == Part::kWhole || root.shared_dim() != 0) && is_in(root, *feature, options.part)) return {};
  }
  return make_error(ErrorCode::kInvalidArgument, "part: the model has no ",
                    options.part == Part::kUser ? "user part" : "candidate part");
}

// Sets the status where not.
bool require_weights(const Target& target) {
  return is_weighted(target.feature) ||
         refuse(target.rows, ErrorCode::kInvalidArgument, target.name(), ": its elements have no weights");
}

}  // namespace

}  // namespace internal

using internal::make_error;
using internal::RawItem;
using internal::refuse;
using internal::RowsAccess;
using internal::RowsState;
using internal::Target;

std::size_t Rows::bytes(const Model& model, const RowsOptions& options) {
  const std::size_t total = internal::Layout(*internal::ModelAccess::root(model), options).total;
  return total < internal::kMaxArenaBytes ? total : SIZE_MAX;
}

Result<Rows> Rows::create(const Model& model, const RowsOptions& options) {
  if (Status status = internal::check_options(*internal::ModelAccess::root(model), options); !status)
    return status.error();
  const std::size_t size = bytes(model, options);
  if (size == SIZE_MAX) {
    return make_error(ErrorCode::kUnsupported, "max_rows: ", options.max_rows,
                      " need more memory than this machine can address");
  }
  void* memory = internal::allocate(size);
  if (!memory) return make_error(ErrorCode::kOutOfMemory, "no memory for rows of ", size, " bytes");
  Result<Rows> rows = create(model, memory, size, options);
  if (rows) {
    rows->owned_ = memory;
  } else {
    internal::release(memory);
  }
  return rows;
}

Result<Rows> Rows::create(const Model& model, void* memory, std::size_t size, const RowsOptions& options) {
  const schema::Model& root = *internal::ModelAccess::root(model);
  if (Status status = internal::check_options(root, options); !status) return status.error();
  if (!memory) return make_error(ErrorCode::kInvalidArgument, "memory: null");
  const std::size_t needed = bytes(model, options);
  if (size < needed) return make_error(ErrorCode::kArenaTooSmall, "memory: ", size, " bytes, needs ", needed);
  const std::size_t excess = reinterpret_cast<std::uintptr_t>(memory) % alignof(RowsState);
  char* base = static_cast<char*>(memory) + (excess ? alignof(RowsState) - excess : 0);
  const internal::Layout layout(root, options);
  auto* state = new (base) RowsState{};
  state->file = model.data();
  state->num_features = model.num_features();
  state->max_rows = state->num_rows = options.max_rows;
  state->part = options.part;
  state->columns = reinterpret_cast<FeatureColumn*>(base + layout.columns);
  char* data = base + layout.data;
  for (std::size_t i = 0; i < state->num_features; ++i) {
    FeatureColumn& column = *new (state->columns + i) FeatureColumn();
    const schema::Feature& feature = internal::feature_of(state->file, i);
    if (!internal::is_in(root, feature, options.part)) continue;
    if (internal::is_dense(feature)) {
      column.values = {reinterpret_cast<const float*>(data), 0};  // clear() says how many
    } else {
      column.ids = {reinterpret_cast<const std::int32_t*>(data), 0};
    }
    data += internal::width_of(feature) * options.max_rows * sizeof(float);
    if (!internal::is_weighted(feature)) continue;
    column.values = {reinterpret_cast<const float*>(data), 0};
    data += feature.length() * options.max_rows * sizeof(float);
  }
  Rows rows(state, nullptr);
  rows.clear();
  return rows;
}

Rows::Rows(Rows&& other) noexcept : state_(other.state_), owned_(other.owned_) { other.owned_ = nullptr; }

Rows& Rows::operator=(Rows&& other) noexcept {
  if (this != &other) {
    internal::release(owned_);
    state_ = other.state_;
    owned_ = other.owned_;
    other.owned_ = nullptr;
  }
  return *this;
}

Rows::~Rows() { internal::release(owned_); }

const Status& Rows::set(std::size_t row, const FeatureKey& feature, const RawValue& value) {
  return set(row, feature, value, false);
}

const Status& Rows::set_weights(std::size_t row, const FeatureKey& feature, const RawValue& weights) {
  return set(row, feature, weights, true);
}

const Status& Rows::set_column(const FeatureKey& feature, const RawValue& values,
                               Span<const std::int32_t> row_offsets) {
  return set_column(feature, values, row_offsets, false);
}

const Status& Rows::set_ids(const FeatureKey& feature, Span<const std::int32_t> ids) {
  std::size_t index = 0;
  if (!state_->status || !RowsAccess::find(*state_, feature, index)) return state_->status;
  const Target target{*state_, internal::feature_of(state_->file, index), index};
  if (internal::is_dense(target.feature) || internal::is_sequence(target.feature)) {
    refuse(*state_, ErrorCode::kInvalidArgument, target.name(), ": has no ids of one category per row");
    return state_->status;
  }
  if (ids.size() != state_->num_rows) {
    refuse(*state_, ErrorCode::kInvalidArgument, target.name(), ": length ", ids.size(), ", needs ", state_->num_rows,
           ", one per row");
    return state_->status;
  }
  for (std::size_t row = 0; row < ids.size(); ++row) {
    std::int32_t& id = *target.ids(row);
    id = ids[row];
    if (id == Model::kUnknownId && !internal::take_missing(target, row, id)) break;
  }
  return state_->status;
}

const Status& Rows::set_weights_column(const FeatureKey& feature, const RawValue& weights,
                                       Span<const std::int32_t> row_offsets) {
  return set_column(feature, weights, row_offsets, true);
}

const Status& Rows::set(std::size_t row, const FeatureKey& feature, const RawValue& value, bool weights) {
  std::size_t index = 0;
  if (!state_->status || !RowsAccess::find(*state_, feature, index)) return state_->status;
  const Target target{*state_, internal::feature_of(state_->file, index), index, weights};
  if (weights && !internal::require_weights(target)) return state_->status;
  if (row >= state_->num_rows) {
    refuse(target, row, "out of range, num_rows is ", state_->num_rows);
  } else if (value.type() == RawValue::Type::kMissing) {
    internal::clear_row(target, row);
  } else {
    internal::set_value(target, row, value, 0, RawItem::count(value));
  }
  return state_->status;
}

const Status& Rows::set_column(const FeatureKey& feature, const RawValue& values, Span<const std::int32_t> row_offsets,
                               bool weights) {
  std::size_t index = 0;
  if (!state_->status || !RowsAccess::find(*state_, feature, index)) return state_->status;
  const Target target{*state_, internal::feature_of(state_->file, index), index, weights};
  if (weights && !internal::require_weights(target)) return state_->status;
  if (values.type() == RawValue::Type::kMissing) {
    for (std::size_t row = 0; row < state_->num_rows; ++row) internal::clear_row(target, row);
  } else {
    internal::set_values(target, values, row_offsets);
  }
  return state_->status;
}

const Status& Rows::clear(std::size_t num_rows) {
  state_->status = Status();
  if (num_rows > state_->max_rows) {
    refuse(*state_, ErrorCode::kInvalidArgument, "num_rows: ", num_rows, ", but max_rows is ", state_->max_rows);
    num_rows = 0;
  }
  state_->num_rows = num_rows;
  for (std::size_t i = 0; i < state_->num_features; ++i) {
    FeatureColumn& column = state_->columns[i];
    if (!column.values.data() && !column.ids.data()) continue;
    const Target target{*state_, internal::feature_of(state_->file, i), i};
    const std::size_t count = num_rows * internal::width_of(target.feature);
    column.values = {column.values.data(), column.values.data() ? count : 0};
    column.ids = {column.ids.data(), column.ids.data() ? count : 0};
    for (std::size_t row = 0; row < num_rows; ++row) internal::clear_row(target, row);
  }
  return state_->status;
}

void Rows::clear() { clear(state_->max_rows); }

std::size_t Rows::num_rows() const { return state_->num_rows; }
std::size_t Rows::max_rows() const { return state_->max_rows; }
Part Rows::part() const { return state_->part; }
const Status& Rows::status() const { return state_->status; }
Span<const FeatureColumn> Rows::columns() const { return {state_->columns, state_->num_features}; }

Input Input::rows(const Rows& rows) {
  Input input = columns(rows.columns(), rows.num_rows());
  input.status_ = &rows.status();
  input.model_ = rows.state_->file;
  input.part_ = rows.part();
  return input;
}

}  // namespace mmoe
