#include "mmoe/rows.h"

#include <cmath>
#include <cstring>
#include <limits>

#include "core/heap.h"
#include "model/access.h"
#include "model/vocabulary.h"
#include "plan/arena.h"
#include "session/place.h"

namespace mmoe {
namespace internal {

// At the head of the builder's memory; behind it the columns, then their values and ids.
struct RowsState {
  Status status;  // the first error
  const void* file;
  std::size_t num_features, max_rows, num_rows;
  Part part;
  FeatureColumn* columns;
};

namespace {

using flatbuffers::uoffset_t;

const schema::Feature& feature_of(const void* file, std::size_t index) {
  return *ModelAccess::root(file)->features()->Get(static_cast<uoffset_t>(index));
}

bool is_dense(const schema::Feature& feature) { return feature.kind() == schema::FeatureKind_Dense; }
bool is_sequence(const schema::Feature& feature) { return feature.kind() == schema::FeatureKind_Sequence; }

// Values or ids per row.
std::size_t width_of(const schema::Feature& feature) {
  return is_dense(feature) ? feature.width() : is_sequence(feature) ? feature.length() : 1;
}

bool is_in(const schema::Model& root, const schema::Feature& feature, Part part) {
  return part == Part::kWhole || (feature.column() >= root.shared_dim()) == (part == Part::kCandidate);
}

// From an aligned address: the state, the columns, and each feature's values or ids.
struct Layout {
  std::size_t columns, data, total;

  Layout(const schema::Model& root, const RowsOptions& options) {
    columns = round_up(sizeof(RowsState), alignof(FeatureColumn));
    data = saturating_add(columns, saturating_multiply(size_of(root.features()), sizeof(FeatureColumn)));
    std::size_t row = 0;  // an id has the size of a float
    for (uoffset_t i = 0; i < size_of(root.features()); ++i) {
      const schema::Feature& feature = *root.features()->Get(i);
      if (is_in(root, feature, options.part)) row = saturating_add(row, width_of(feature));
    }
    const std::size_t all = saturating_multiply(saturating_multiply(row, sizeof(float)), options.max_rows);
    total = saturating_add(saturating_add(data, all), alignof(RowsState) - 1);
  }
};

static_assert(sizeof(float) == sizeof(std::int32_t) && alignof(RowsState) >= alignof(FeatureColumn));

Status check_options(const schema::Model& root, const RowsOptions& options) {
  if (size_of(root.features()) == 0) {
    return make_error(ErrorCode::kInvalidArgument, "rows: the model has no features, it takes x");
  }
  if (options.max_rows == 0) return make_error(ErrorCode::kInvalidArgument, "rows: max_rows is 0");
  for (const schema::Feature* feature : *root.features()) {
    if ((options.part == Part::kWhole || root.shared_dim() != 0) && is_in(root, *feature, options.part)) return {};
  }
  return make_error(ErrorCode::kInvalidArgument, "rows: the model declares no ",
                    options.part == Part::kUser ? "user-side" : "candidate-side", " inputs");
}

/// What is being set, for values and for messages.
struct Target {
  RowsState& rows;
  const schema::Feature& feature;
  std::size_t index;

  FeaturePlace at(std::size_t row) const { return {{rows.file, index}, row}; }
  FeatureName name() const { return {rows.file, index}; }
  // The builder's own memory, of which FeatureColumn shows a read-only view.
  float* values(std::size_t row) const {
    return const_cast<float*>(rows.columns[index].values.data()) + row * feature.width();
  }
  std::int32_t* ids(std::size_t row) const {
    return const_cast<std::int32_t*>(rows.columns[index].ids.data()) + row * width_of(feature);
  }
};

void clear_row(const Target& target, std::size_t row) {
  const std::size_t width = width_of(target.feature);
  if (is_dense(target.feature)) {
    for (std::size_t i = 0; i < width; ++i) target.values(row)[i] = std::numeric_limits<float>::quiet_NaN();
  } else {
    const std::int32_t id = is_sequence(target.feature) ? Model::kNoElement : Model::kUnknownId;
    for (std::size_t i = 0; i < width; ++i) target.ids(row)[i] = id;
  }
}

}  // namespace

struct RowsAccess {
  using Type = RawValue::Type;

  static std::size_t size(const RawValue& value) { return value.size_; }
  static bool is_list(const RawValue& value) { return value.is_list_; }

  static bool is_text(const RawValue& value) { return value.type_ >= Type::kStrings; }

  static bool is_integer(const RawValue& value) { return value.type_ == Type::kInt32s || value.type_ == Type::kInt64s; }

  static double number(const RawValue& value, std::size_t i) {
    switch (value.type_) {
      case Type::kFloats: return static_cast<const float*>(value.list_)[i];
      case Type::kDoubles: return value.is_list_ ? static_cast<const double*>(value.list_)[i] : value.double_;
      default: return static_cast<double>(integer(value, i));
    }
  }

  static std::int64_t integer(const RawValue& value, std::size_t i) {
    if (!value.is_list_) return value.int64_;
    if (value.type_ == Type::kInt32s) return static_cast<const std::int32_t*>(value.list_)[i];
    std::int64_t result;  // a long and a long long are both 64 bits, and not one type
    std::memcpy(&result, static_cast<const char*>(value.list_) + i * sizeof result, sizeof result);
    return result;
  }

  /// Whether an element of a list of texts is a null pointer.
  static bool is_null(const RawValue& value, std::size_t i) {
    return value.type_ == Type::kCStrings && !static_cast<const char* const*>(value.list_)[i];
  }

  /// False where packed strings do not lie within their bytes.
  static bool text(const RawValue& value, std::size_t i, std::string_view& text) {
    if (!value.is_list_) {
      text = {value.bytes_.data(), value.bytes_.size()};
    } else if (value.type_ == Type::kStrings) {
      text = static_cast<const std::string_view*>(value.list_)[i];
    } else if (value.type_ == Type::kCStrings) {
      text = static_cast<const char* const*>(value.list_)[i];
    } else {
      const auto* offsets = static_cast<const std::int32_t*>(value.list_);
      const std::int32_t begin = offsets[i], end = offsets[i + 1];
      if (begin < 0 || end < begin || static_cast<std::size_t>(end) > value.bytes_.size()) return false;
      text = {value.bytes_.data() + begin, static_cast<std::size_t>(end - begin)};
    }
    return true;
  }

  /// The index of a feature of the builder's part.
  static Status find(const RowsState& rows, const FeatureKey& key, std::size_t& index) {
    index = key.index_;
    if (key.by_name_) {
      index = 0;
      while (index < rows.num_features && text_of(feature_of(rows.file, index).name()) != key.name_) ++index;
      if (index == rows.num_features) {
        return make_error(ErrorCode::kInvalidArgument, "feature ", Quoted{key.name_},
                          ": the model has none of that name");
      }
    }
    if (index >= rows.num_features) {
      return make_error(ErrorCode::kInvalidArgument, "feature ", index, ": the model has ", rows.num_features);
    }
    if (is_in(*ModelAccess::root(rows.file), feature_of(rows.file, index), rows.part)) return {};
    return make_error(ErrorCode::kInvalidArgument, FeatureName{rows.file, index}, ": belongs to the ",
                      rows.part == Part::kUser ? "candidate's part, the rows are a user's"
                                               : "user's part, the rows are of candidates");
  }

  static Status set_dense(const Target& target, std::size_t row, const RawValue& value, std::size_t first) {
    if (is_text(value)) {
      return make_error(ErrorCode::kInvalidArgument, target.at(row), "a string, expected a number");
    }
    float* values = target.values(row);
    for (std::size_t i = 0; i < target.feature.width(); ++i) values[i] = static_cast<float>(number(value, first + i));
    return {};
  }

  static Status find_text_id(const Target& target, std::size_t row, const RawValue& value, std::size_t i,
                             std::int32_t& id) {
    std::string_view text;
    if (!is_text(value)) {
      return make_error(ErrorCode::kInvalidArgument, target.at(row), "a number, expected a string");
    }
    const bool is_missing = is_null(value, i);
    if (!is_missing && !RowsAccess::text(value, i, text)) {
      return make_error(ErrorCode::kInvalidArgument, target.at(row), "offsets of packed strings are not within them");
    }
    id = is_missing ? Model::kUnknownId : find_string(target.rows.file, *target.feature.vocabulary(), text);
    if (id != Model::kUnknownId || target.feature.vocabulary()->unknown() != schema::UnknownRule_Error) return {};
    if (is_missing) return make_error(ErrorCode::kUnknownCategory, target.at(row), "missing, and unknown is refused");
    return make_error(ErrorCode::kUnknownCategory, target.at(row), "unknown category ", Quoted{text});
  }

  static Status find_integer_id(const Target& target, std::size_t row, const RawValue& value, std::size_t i,
                                std::int32_t& id) {
    if (is_text(value)) {
      return make_error(ErrorCode::kInvalidArgument, target.at(row), "a string, expected an integer");
    }
    std::int64_t key = 0;
    bool is_missing = false;
    if (is_integer(value)) {
      key = integer(value, i);
    } else {
      const double exact = number(value, i);
      is_missing = std::isnan(exact);
      constexpr double kEnd = 9223372036854775808.0;  // 2^63
      if (!is_missing &&
          !(exact >= -kEnd && exact < kEnd && exact == static_cast<double>(static_cast<std::int64_t>(exact)))) {
        return make_error(ErrorCode::kInvalidArgument, target.at(row),
                          "a number with a fraction or out of range, expected an integer");
      }
      if (!is_missing) key = static_cast<std::int64_t>(exact);
    }
    id = is_missing ? Model::kUnknownId : find_integer(target.rows.file, *target.feature.vocabulary(), key);
    if (id != Model::kUnknownId || target.feature.vocabulary()->unknown() != schema::UnknownRule_Error) return {};
    if (is_missing) return make_error(ErrorCode::kUnknownCategory, target.at(row), "missing, and unknown is refused");
    return make_error(ErrorCode::kUnknownCategory, target.at(row), "unknown category ", key);
  }

  /// Elements [first, first + count) of the value become the row's.
  static Status set(const Target& target, std::size_t row, const RawValue& value, std::size_t first,
                    std::size_t count) {
    const std::size_t width = width_of(target.feature);
    const bool fits = is_sequence(target.feature) ? count <= width : count == width;
    if (!fits) {
      return make_error(ErrorCode::kInvalidArgument, target.at(row), count, " values, expected ",
                        is_sequence(target.feature) ? "at most " : "", width);
    }
    if (is_dense(target.feature)) return set_dense(target, row, value, first);
    const bool strings = target.feature.vocabulary()->kind() == schema::VocabularyKind_Strings;
    std::int32_t* ids = target.ids(row);
    for (std::size_t i = 0; i < count; ++i) {
      Status status = strings ? find_text_id(target, row, value, first + i, ids[i])
                              : find_integer_id(target, row, value, first + i, ids[i]);
      if (!status) return status;
    }
    for (std::size_t i = count; i < width; ++i) ids[i] = Model::kNoElement;
    return {};
  }

  /// Rows of one length each, or as the offsets say.
  static Status set_column(const Target& target, const RawValue& value, Span<const std::int32_t> offsets) {
    const std::size_t num_rows = target.rows.num_rows;
    const std::size_t found = size(value), width = width_of(target.feature);
    if (offsets.empty() && (found / width != num_rows || found % width != 0)) {
      return make_error(ErrorCode::kInvalidArgument, target.name(), ": has ", found, " values, ", num_rows,
                        " rows need ", std::uint64_t{num_rows} * width);
    }
    if (!offsets.empty() && offsets.size() != num_rows + 1) {
      return make_error(ErrorCode::kInvalidArgument, target.name(), ": has ", offsets.size(), " row offsets, ",
                        num_rows, " rows need ", num_rows + 1);
    }
    for (std::size_t row = 0; row < num_rows; ++row) {
      std::size_t first = row * width, count = width;
      if (!offsets.empty()) {
        const std::int32_t begin = offsets[row], end = offsets[row + 1];
        if (begin < 0 || end < begin || static_cast<std::size_t>(end) > found) {
          return make_error(ErrorCode::kInvalidArgument, target.at(row), "row offsets ", begin, " and ", end,
                            " are not within ", found, " values");
        }
        first = static_cast<std::size_t>(begin);
        count = static_cast<std::size_t>(end - begin);
      }
      if (Status status = set(target, row, value, first, count); !status) return status;
    }
    return {};
  }
};

}  // namespace internal

using internal::make_error;
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
    return make_error(ErrorCode::kUnsupported, "rows: max_rows ", options.max_rows,
                      " needs more memory than this machine can address");
  }
  void* memory = internal::allocate(size);
  if (!memory) return make_error(ErrorCode::kOutOfMemory, "no memory for rows, ", size, " bytes");
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
    const std::size_t count = internal::width_of(feature) * options.max_rows;
    if (internal::is_dense(feature)) {
      column.values = {reinterpret_cast<const float*>(data), count};
    } else {
      column.ids = {reinterpret_cast<const std::int32_t*>(data), count};
    }
    data += count * sizeof(float);
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
  if (!state_->status) return state_->status;
  std::size_t index = 0;
  // A Status has room for a message: only one that is an error is copied.
  if (const Status status = RowsAccess::find(*state_, feature, index); !status) return state_->status = status;
  const Target target{*state_, internal::feature_of(state_->file, index), index};
  if (row >= state_->num_rows) {
    state_->status = make_error(ErrorCode::kInvalidArgument, target.at(row), "there are ", state_->num_rows, " rows");
  } else if (value.type() == RawValue::Type::kMissing) {
    clear_row(target, row);
  } else {
    const Status status = RowsAccess::set(target, row, value, 0, RowsAccess::size(value));
    if (!status) state_->status = status;
  }
  return state_->status;
}

const Status& Rows::set_column(const FeatureKey& feature, const RawValue& values,
                               Span<const std::int32_t> row_offsets) {
  if (!state_->status) return state_->status;
  std::size_t index = 0;
  // A Status has room for a message: only one that is an error is copied.
  if (const Status status = RowsAccess::find(*state_, feature, index); !status) return state_->status = status;
  const Target target{*state_, internal::feature_of(state_->file, index), index};
  if (values.type() == RawValue::Type::kMissing) {
    for (std::size_t row = 0; row < state_->num_rows; ++row) clear_row(target, row);
  } else {
    const Status status = RowsAccess::set_column(target, values, row_offsets);
    if (!status) state_->status = status;
  }
  return state_->status;
}

Status Rows::clear(std::size_t num_rows) {
  if (num_rows > state_->max_rows) {
    return make_error(ErrorCode::kInvalidArgument, "rows: ", num_rows, ", there is room for ", state_->max_rows);
  }
  state_->status = Status();
  state_->num_rows = num_rows;
  for (std::size_t i = 0; i < state_->num_features; ++i) {
    const FeatureColumn& column = state_->columns[i];
    if (!column.values.data() && !column.ids.data()) continue;
    const Target target{*state_, internal::feature_of(state_->file, i), i};
    for (std::size_t row = 0; row < num_rows; ++row) clear_row(target, row);
  }
  return {};
}

void Rows::clear() { static_cast<void>(clear(state_->max_rows)); }

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
