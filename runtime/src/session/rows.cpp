#include "mmoe/rows.h"

#include <cmath>
#include <cstring>
#include <limits>

#include "core/heap.h"
#include "model/access.h"
#include "model/hashing.h"
#include "model/vocabulary.h"
#include "plan/arena.h"
#include "session/place.h"
#include "session/raw_item.h"

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

// Raw values per row.
std::size_t num_values_of(const schema::Feature& feature) {
  if (kHasHash && feature.kind() == schema::FeatureKind_Sparse) return num_parts(*feature.vocabulary());
  return width_of(feature);
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

/// What is being set, for values and for messages.
struct Target {
  RowsState& rows;
  const schema::Feature& feature;
  std::size_t index;
  bool weights = false;  ///< of the elements, and not these

  FeaturePlace at(std::size_t row) const { return {{rows.file, index}, row}; }
  FeatureName name() const { return {rows.file, index}; }
  // The builder's own memory, of which FeatureColumn shows a read-only view.
  float* values(std::size_t row) const {
    const std::size_t stride = is_sequence(feature) ? feature.length() : feature.width();
    return const_cast<float*>(rows.columns[index].values.data()) + row * stride;
  }
  std::int32_t* ids(std::size_t row) const {
    return const_cast<std::int32_t*>(rows.columns[index].ids.data()) + row * width_of(feature);
  }
};

// A whole number of 64 bits with a sign, and nothing else.
bool parse_decimal(std::string_view text, std::int64_t& value) {
  const bool negative = !text.empty() && text[0] == '-';
  if (negative) text.remove_prefix(1);
  const std::uint64_t most = negative ? std::uint64_t{1} << 63 : INT64_MAX;
  std::uint64_t magnitude = 0;
  for (const char digit : text) {
    if (digit < '0' || digit > '9') return false;
    const auto unit = static_cast<std::uint64_t>(digit - '0');
    if (magnitude > (most - unit) / 10) return false;
    magnitude = magnitude * 10 + unit;
  }
  value = static_cast<std::int64_t>(negative ? 0 - magnitude : magnitude);
  return !text.empty();
}

bool refuses_unknown(const Target& target) {
  return target.feature.vocabulary()->unknown() == schema::UnknownRule_Error;
}

void clear_row(const Target& target, std::size_t row) {
  const std::size_t width = width_of(target.feature);
  if (is_dense(target.feature) || is_weighted(target.feature)) {
    for (std::size_t i = 0; i < width; ++i) target.values(row)[i] = std::numeric_limits<float>::quiet_NaN();
  }
  if (!is_dense(target.feature) && !target.weights) {
    const std::int32_t id = is_sequence(target.feature) ? Model::kNoElement : Model::kUnknownId;
    for (std::size_t i = 0; i < width; ++i) target.ids(row)[i] = id;
  }
}

}  // namespace

// Functions that return false have set the builder's status. A value that is set makes no Status, which is large.
struct RowsAccess {
  template <class... Parts>
  static bool refuse(RowsState& rows, ErrorCode code, const Parts&... parts) {
    rows.status = make_error(code, parts...);
    return false;
  }

  template <class... Parts>
  static bool refuse(const Target& target, std::size_t row, const Parts&... parts) {
    return refuse(target.rows, ErrorCode::kInvalidArgument, target.at(row), parts...);
  }

  template <class Category>
  static bool refuse_unknown(const Target& target, std::size_t row, const Category& category) {
    return refuse(target.rows, ErrorCode::kUnknownCategory, target.at(row), "unknown category ", category);
  }

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

  static bool require_weights(const Target& target) {
    return is_weighted(target.feature) ||
           refuse(target.rows, ErrorCode::kInvalidArgument, target.name(), ": its elements have no weights");
  }

  static bool set_numbers(const Target& target, std::size_t row, const RawValue& value, std::size_t first,
                          std::size_t count) {
    float* values = target.values(row);
    for (std::size_t i = 0; i < count; ++i) {
      const RawItem item(value, first + i);
      if (item.is_text()) return refuse(target, row, "a string, expected a number");
      values[i] = static_cast<float>(item.number());
    }
    return true;
  }

  static bool read_text(const Target& target, std::size_t row, const RawItem& item, std::string_view& text) {
    return item.read(text) || refuse(target, row, "the offsets of the packed string are not within its bytes");
  }

  static bool find_text_id(const Target& target, std::size_t row, const RawItem& item, std::int32_t& id) {
    if (!item.is_text()) return refuse(target, row, "a number, expected a string");
    std::string_view text;
    if (!read_text(target, row, item, text)) return false;
    id = find_string(target.rows.file, *target.feature.vocabulary(), text);
    if (id != Model::kUnknownId || !refuses_unknown(target)) return true;
    return refuse_unknown(target, row, Quoted{text});
  }

  static bool read_integer(const Target& target, std::size_t row, const RawItem& item, std::int64_t& value) {
    if (item.is_integer()) {
      value = item.integer();
      return true;
    }
    const double exact = item.number();
    constexpr double kEnd = 9223372036854775808.0;  // 2^63
    if (!(exact >= -kEnd && exact < kEnd && exact == static_cast<double>(static_cast<std::int64_t>(exact)))) {
      return refuse(target, row, "a number with a fraction or out of range, expected an integer");
    }
    value = static_cast<std::int64_t>(exact);
    return true;
  }

  static bool find_integer_id(const Target& target, std::size_t row, const RawItem& item, std::int32_t& id) {
    if (item.is_text()) return refuse(target, row, "a string, expected an integer");
    std::int64_t key = 0;
    if (!read_integer(target, row, item, key)) return false;
    id = find_integer(target.rows.file, *target.feature.vocabulary(), key, item.is_unsigned());
    if (id != Model::kUnknownId || !refuses_unknown(target)) return true;
    return item.is_unsigned() ? refuse_unknown(target, row, static_cast<std::uint64_t>(key))
                              : refuse_unknown(target, row, key);
  }

  static bool find_bin_id(const Target& target, std::size_t row, const RawItem& item, std::int32_t& id) {
    if (item.is_text()) return refuse(target, row, "a string, expected a number");
    id = find_bin(target.rows.file, *target.feature.vocabulary(), item.number());
    return true;
  }

  static bool hash_part(const Target& target, std::size_t row, const RawItem& item, bool as_text, std::uint64_t& hash) {
    std::string_view text;
    std::int64_t value = 0;
    if (item.is_text()) {
      if (!read_text(target, row, item, text)) return false;
      if (!as_text && !parse_decimal(text, value)) return refuse(target, row, Quoted{text}, ", expected an integer");
      hash = as_text ? hash_of_text(text) : static_cast<std::uint64_t>(value);
      return true;
    }
    if (!read_integer(target, row, item, value)) return false;
    hash = as_text ? hash_of_decimal(value, item.is_unsigned()) : static_cast<std::uint64_t>(value);
    return true;
  }

  static bool is_empty(const RawItem& item) {
    std::string_view text;
    return item.is_text() && item.read(text) && text.empty();
  }

  /// One id of several values, the elements from `first` on.
  static bool find_crossed_id(const Target& target, std::size_t row, const RawValue& value, std::size_t first,
                              std::int32_t& id) {
    const schema::Vocabulary& vocabulary = *target.feature.vocabulary();
    const auto& parts = *vocabulary.hashing()->parts();
    std::uint64_t joined = vocabulary.hashing()->seed();
    for (uoffset_t i = 0; i < parts.size(); ++i) {
      const RawItem item(value, first + i);
      const bool as_text = parts.Get(i)->bytes() == schema::HashedBytes_Text;
      if (item.is_missing() || (!as_text && is_empty(item))) return take_missing(target, row, id);
      std::uint64_t hash = 0;
      if (!hash_part(target, row, item, as_text, hash)) return false;
      joined = join_hashes(joined, hash);
    }
    id = crossed_id(vocabulary, joined);
    return true;
  }

  /// The text of several values, the elements from `first` on, with the separator between them.
  static bool find_joined_id(const Target& target, std::size_t row, const RawValue& value, std::size_t first,
                             std::int32_t& id) {
    const schema::Vocabulary& vocabulary = *target.feature.vocabulary();
    const schema::Hashing& hashing = *vocabulary.hashing();
    char room[schema::kMaxJoined];
    std::size_t size = 0;
    const auto append = [&](std::string_view text) {
      if (text.size() > sizeof room - size) return false;
      if (!text.empty()) std::memcpy(room + size, text.data(), text.size());
      size += text.size();
      return true;
    };
    for (uoffset_t i = 0; i < hashing.parts()->size(); ++i) {
      const RawItem item(value, first + i);
      if (item.is_missing()) return take_missing(target, row, id);
      char digits[kMaxDigits];
      std::string_view text;
      if (!read_as_text(target, row, item, digits, text)) return false;
      if (hashing.mask() && text == text_of(hashing.mask())) return take_missing(target, row, id);
      if ((i != 0 && !append(text_of(hashing.separator()))) || !append(text)) {
        return refuse(target, row, "the joined text is longer than ", sizeof room, " bytes");
      }
    }
    id = find_string(target.rows.file, vocabulary, {room, size});
    if (id != Model::kUnknownId || !refuses_unknown(target)) return true;
    return refuse_unknown(target, row, Quoted{{room, size}});
  }

  /// An integer is in decimal, in `digits`.
  static bool read_as_text(const Target& target, std::size_t row, const RawItem& item, char (&digits)[kMaxDigits],
                           std::string_view& text) {
    if (item.is_text()) return read_text(target, row, item, text);
    std::int64_t value = 0;
    if (!read_integer(target, row, item, value)) return false;
    text = decimal(value, item.is_unsigned(), digits);
    return true;
  }

  static bool take_missing(const Target& target, std::size_t row, std::int32_t& id) {
    id = Model::kUnknownId;
    if (!refuses_unknown(target)) return true;
    return refuse(target.rows, ErrorCode::kUnknownCategory, target.at(row),
                  "a missing category, which the feature refuses");
  }

  static bool find_id(const Target& target, std::size_t row, const RawItem& item, std::int32_t& id) {
    if (item.is_missing()) return take_missing(target, row, id);
    const schema::Vocabulary& vocabulary = *target.feature.vocabulary();
    if constexpr (kHasBins) {
      if (takes_numbers(vocabulary)) return find_bin_id(target, row, item, id);
    }
    const bool as_text = takes_texts(vocabulary) && (item.is_text() || !takes_integers(vocabulary));
    return as_text ? find_text_id(target, row, item, id) : find_integer_id(target, row, item, id);
  }

  /// Elements [first, first + count) of the value become the row's.
  static bool set(const Target& target, std::size_t row, const RawValue& value, std::size_t first, std::size_t count) {
    const std::size_t width = num_values_of(target.feature);
    const bool fits = is_sequence(target.feature) ? count <= width : count == width;
    if (!fits) {
      return refuse(target, row, "number of values: ", count, ", expected ",
                    is_sequence(target.feature) ? "at most " : "", width);
    }
    if (is_dense(target.feature)) return set_numbers(target, row, value, first, count);
    if (target.weights) {
      clear_row(target, row);
      return set_numbers(target, row, value, first, count);
    }
    if constexpr (kHasHash) {
      if (width != 1 && !is_sequence(target.feature)) {
        const bool joined = target.feature.vocabulary()->hashing()->bytes() == schema::HashedBytes_Joined;
        return joined ? find_joined_id(target, row, value, first, *target.ids(row))
                      : find_crossed_id(target, row, value, first, *target.ids(row));
      }
    }
    std::int32_t* ids = target.ids(row);
    for (std::size_t i = 0; i < count; ++i) {
      if (!find_id(target, row, RawItem(value, first + i), ids[i])) return false;
    }
    for (std::size_t i = count; i < width; ++i) ids[i] = Model::kNoElement;
    return true;
  }

  /// Rows of one length each, or as the offsets say.
  static bool set_column(const Target& target, const RawValue& value, Span<const std::int32_t> offsets) {
    const std::size_t num_rows = target.rows.num_rows;
    const std::size_t found = RawItem::count(value), width = num_values_of(target.feature);
    if (offsets.empty() && (found / width != num_rows || found % width != 0)) {
      return refuse(target.rows, ErrorCode::kInvalidArgument, target.name(), ": length ", found,
                    Needed{saturating_multiply(num_rows, width), num_rows, width});
    }
    if (!offsets.empty() && offsets.size() != num_rows + 1) {
      return refuse(target.rows, ErrorCode::kInvalidArgument, target.name(), ": row_offsets: length ", offsets.size(),
                    ", needs ", num_rows + 1, ", one more than rows");
    }
    for (std::size_t row = 0; row < num_rows; ++row) {
      std::size_t first = row * width, count = width;
      if (!offsets.empty()) {
        const std::int32_t begin = offsets[row], end = offsets[row + 1];
        if (begin < 0 || end < begin || static_cast<std::size_t>(end) > found) {
          return refuse(target, row, "row_offsets ", begin, " and ", end, " are not within ", found, " values");
        }
        first = static_cast<std::size_t>(begin);
        count = static_cast<std::size_t>(end - begin);
      }
      if (!set(target, row, value, first, count)) return false;
    }
    return true;
  }
};

}  // namespace internal

using internal::make_error;
using internal::RawItem;
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
    RowsAccess::refuse(*state_, ErrorCode::kInvalidArgument, target.name(), ": has no ids of one category per row");
    return state_->status;
  }
  if (ids.size() != state_->num_rows) {
    RowsAccess::refuse(*state_, ErrorCode::kInvalidArgument, target.name(), ": length ", ids.size(), ", needs ",
                       state_->num_rows, ", one per row");
    return state_->status;
  }
  for (std::size_t row = 0; row < ids.size(); ++row) {
    std::int32_t& id = *target.ids(row);
    id = ids[row];
    if (id == Model::kUnknownId && !RowsAccess::take_missing(target, row, id)) break;
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
  if (weights && !RowsAccess::require_weights(target)) return state_->status;
  if (row >= state_->num_rows) {
    RowsAccess::refuse(target, row, "out of range, num_rows is ", state_->num_rows);
  } else if (value.type() == RawValue::Type::kMissing) {
    clear_row(target, row);
  } else {
    RowsAccess::set(target, row, value, 0, RawItem::count(value));
  }
  return state_->status;
}

const Status& Rows::set_column(const FeatureKey& feature, const RawValue& values, Span<const std::int32_t> row_offsets,
                               bool weights) {
  std::size_t index = 0;
  if (!state_->status || !RowsAccess::find(*state_, feature, index)) return state_->status;
  const Target target{*state_, internal::feature_of(state_->file, index), index, weights};
  if (weights && !RowsAccess::require_weights(target)) return state_->status;
  if (values.type() == RawValue::Type::kMissing) {
    for (std::size_t row = 0; row < state_->num_rows; ++row) clear_row(target, row);
  } else {
    RowsAccess::set_column(target, values, row_offsets);
  }
  return state_->status;
}

const Status& Rows::clear(std::size_t num_rows) {
  state_->status = Status();
  if (num_rows > state_->max_rows) {
    RowsAccess::refuse(*state_, ErrorCode::kInvalidArgument, "num_rows: ", num_rows, ", but max_rows is ",
                       state_->max_rows);
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
    for (std::size_t row = 0; row < num_rows; ++row) clear_row(target, row);
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
