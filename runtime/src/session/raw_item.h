// How the row builder reads what it is given.
#pragma once

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <limits>
#include <string_view>

#include "mmoe/rows.h"

namespace mmoe::internal {

/// One value out of a RawValue: itself, or element `index` of its list. REQUIRES: index < count(value).
class RawItem {
 public:
  using Type = RawValue::Type;

  static std::size_t count(const RawValue& value) { return value.size_; }

  RawItem(const RawValue& value, std::size_t index)
      : value_(value.type_ == Type::kElements ? static_cast<const RawElement*>(value.list_)[index].value_ : value),
        index_(value.type_ == Type::kElements ? 0 : index) {}

  bool is_text() const { return value_.type_ >= Type::kStrings; }
  bool is_integer() const { return value_.type_ >= Type::kInt32s && value_.type_ <= Type::kUint64s; }
  bool is_unsigned() const { return value_.type_ == Type::kUint64s; }

  /// Nothing among other elements, NaN, or a null pointer among strings.
  bool is_missing() const {
    if (value_.type_ == Type::kCStrings) return !static_cast<const char* const*>(value_.list_)[index_];
    return !is_text() && !is_integer() && std::isnan(number());
  }

  /// REQUIRES: not a text.
  double number() const {
    switch (value_.type_) {
      case Type::kMissing: return std::numeric_limits<double>::quiet_NaN();
      case Type::kFloats: return static_cast<const float*>(value_.list_)[index_];
      case Type::kDoubles: return value_.is_list_ ? static_cast<const double*>(value_.list_)[index_] : value_.double_;
      case Type::kUint64s: return static_cast<double>(static_cast<std::uint64_t>(integer()));
      default: return static_cast<double>(integer());
    }
  }

  /// Of an unsigned one its bits. REQUIRES: is_integer().
  std::int64_t integer() const {
    if (!value_.is_list_) return value_.int64_;
    if (value_.type_ == Type::kInt32s) return static_cast<const std::int32_t*>(value_.list_)[index_];
    std::int64_t result;  // a long and a long long are both 64 bits, and not one type
    std::memcpy(&result, static_cast<const char*>(value_.list_) + index_ * sizeof result, sizeof result);
    return result;
  }

  /// False where a packed string does not lie within its bytes. REQUIRES: a text that is not missing.
  bool read(std::string_view& text) const {
    if (!value_.is_list_) {
      text = {value_.bytes_.data(), value_.bytes_.size()};
    } else if (value_.type_ == Type::kStrings) {
      text = value_.text_at_(value_.list_, index_);
    } else if (value_.type_ == Type::kCStrings) {
      text = static_cast<const char* const*>(value_.list_)[index_];
    } else {
      const auto* offsets = static_cast<const std::int32_t*>(value_.list_);
      const std::int32_t begin = offsets[index_], end = offsets[index_ + 1];
      if (begin < 0 || end < begin || static_cast<std::size_t>(end) > value_.bytes_.size()) return false;
      text = {value_.bytes_.data() + begin, static_cast<std::size_t>(end - begin)};
    }
    return true;
  }

 private:
  const RawValue& value_;
  std::size_t index_;
};

}  // namespace mmoe::internal
