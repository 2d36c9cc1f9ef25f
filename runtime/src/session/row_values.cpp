#include <cmath>
#include <cstring>
#include <limits>
#include <string_view>

#include "model/hashing.h"
#include "model/vocabulary.h"
#include "plan/arena.h"
#include "session/raw_item.h"
#include "session/rows_state.h"

namespace mmoe::internal {
namespace {

using flatbuffers::uoffset_t;

// Raw values per row.
std::size_t num_values_of(const schema::Feature& feature) {
  if (kHasHash && feature.kind() == schema::FeatureKind_Sparse) return num_parts(*feature.vocabulary());
  return width_of(feature);
}

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

template <class Category>
bool refuse_unknown(const Target& target, std::size_t row, const Category& category) {
  return refuse(target.rows, ErrorCode::kUnknownCategory, target.at(row), "unknown category ", category);
}

bool set_numbers(const Target& target, std::size_t row, const RawValue& value, std::size_t first, std::size_t count) {
  float* values = target.values(row);
  for (std::size_t i = 0; i < count; ++i) {
    const RawItem item(value, first + i);
    if (item.is_text()) return refuse(target, row, "a string, expected a number");
    values[i] = static_cast<float>(item.number());
  }
  return true;
}

bool read_text(const Target& target, std::size_t row, const RawItem& item, std::string_view& text) {
  return item.read(text) || refuse(target, row, "the offsets of the packed string are not within its bytes");
}

bool find_text_id(const Target& target, std::size_t row, const RawItem& item, std::int32_t& id) {
  if (!item.is_text()) return refuse(target, row, "a number, expected a string");
  std::string_view text;
  if (!read_text(target, row, item, text)) return false;
  id = find_string(target.rows.file, *target.feature.vocabulary(), text);
  if (id != Model::kUnknownId || !refuses_unknown(target)) return true;
  return refuse_unknown(target, row, Quoted{text});
}

bool read_integer(const Target& target, std::size_t row, const RawItem& item, std::int64_t& value) {
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

bool find_integer_id(const Target& target, std::size_t row, const RawItem& item, std::int32_t& id) {
  if (item.is_text()) return refuse(target, row, "a string, expected an integer");
  std::int64_t key = 0;
  if (!read_integer(target, row, item, key)) return false;
  id = find_integer(target.rows.file, *target.feature.vocabulary(), key, item.is_unsigned());
  if (id != Model::kUnknownId || !refuses_unknown(target)) return true;
  return item.is_unsigned() ? refuse_unknown(target, row, static_cast<std::uint64_t>(key))
                            : refuse_unknown(target, row, key);
}

bool find_bin_id(const Target& target, std::size_t row, const RawItem& item, std::int32_t& id) {
  if (item.is_text()) return refuse(target, row, "a string, expected a number");
  id = find_bin(target.rows.file, *target.feature.vocabulary(), item.number());
  return true;
}

bool hash_part(const Target& target, std::size_t row, const RawItem& item, bool as_text, std::uint64_t& hash) {
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

bool is_empty(const RawItem& item) {
  std::string_view text;
  return item.is_text() && item.read(text) && text.empty();
}

// One id of several values, the elements from `first` on.
bool find_crossed_id(const Target& target, std::size_t row, const RawValue& value, std::size_t first,
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

// An integer is in decimal, in `digits`.
bool read_as_text(const Target& target, std::size_t row, const RawItem& item, char (&digits)[kMaxDigits],
                  std::string_view& text) {
  if (item.is_text()) return read_text(target, row, item, text);
  std::int64_t value = 0;
  if (!read_integer(target, row, item, value)) return false;
  text = decimal(value, item.is_unsigned(), digits);
  return true;
}

// The text of several values, the elements from `first` on, with the separator between them.
bool find_joined_id(const Target& target, std::size_t row, const RawValue& value, std::size_t first, std::int32_t& id) {
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

bool find_id(const Target& target, std::size_t row, const RawItem& item, std::int32_t& id) {
  if (item.is_missing()) return take_missing(target, row, id);
  const schema::Vocabulary& vocabulary = *target.feature.vocabulary();
  if constexpr (kHasBins) {
    if (takes_numbers(vocabulary)) return find_bin_id(target, row, item, id);
  }
  const bool as_text = takes_texts(vocabulary) && (item.is_text() || !takes_integers(vocabulary));
  return as_text ? find_text_id(target, row, item, id) : find_integer_id(target, row, item, id);
}

}  // namespace

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

bool take_missing(const Target& target, std::size_t row, std::int32_t& id) {
  id = Model::kUnknownId;
  if (!refuses_unknown(target)) return true;
  return refuse(target.rows, ErrorCode::kUnknownCategory, target.at(row),
                "a missing category, which the feature refuses");
}

bool set_value(const Target& target, std::size_t row, const RawValue& value, std::size_t first, std::size_t count) {
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

bool set_values(const Target& target, const RawValue& value, Span<const std::int32_t> offsets) {
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
    if (!set_value(target, row, value, first, count)) return false;
  }
  return true;
}

}  // namespace mmoe::internal
