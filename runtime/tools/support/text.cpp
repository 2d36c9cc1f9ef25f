#include "runtime/tools/support/text.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdio>

#include "runtime/tools/support/printable.h"

namespace mmoe::tools {
namespace {

// from_chars takes no '+'; "+-5" must not become -5.
std::string_view without_plus(std::string_view text) {
  const bool plus = text.size() > 1 && text[0] == '+' && text[1] != '-';
  return plus ? text.substr(1) : text;
}

template <class Number>
NumberStatus parse_whole(std::string_view text, Number& value) {
  const char* end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, value);
  if (stop != end || error == std::errc::invalid_argument) return NumberStatus::kNotANumber;
  return error == std::errc() ? NumberStatus::kOk : NumberStatus::kOutOfRange;
}

constexpr std::string_view kDecimalDigits = "0123456789";

// "-12.50e+3" taken apart: its value is the digits times ten to the exponent.
struct Decimal {
  std::string digits;  // with a sign where it is negative
  std::int64_t exponent = 0;
};

// Takes the digits at the text's beginning.
std::string_view take_digits(std::string_view& text) {
  const std::string_view digits = text.substr(0, text.find_first_not_of(kDecimalDigits));
  text.remove_prefix(digits.size());
  return digits;
}

bool take_apart(std::string_view text, Decimal& decimal) {
  const bool negative = !text.empty() && text[0] == '-';
  if (negative) text.remove_prefix(1);
  const std::string_view whole = take_digits(text);
  std::string_view fraction;
  if (!text.empty() && text[0] == '.') {
    text.remove_prefix(1);
    fraction = take_digits(text);
  }
  if (whole.empty() && fraction.empty()) return false;
  if (!text.empty() && (text[0] == 'e' || text[0] == 'E')) {
    text = without_plus(text.substr(1));
    if (parse_whole(text, decimal.exponent) != NumberStatus::kOk) return false;
    text = {};
  }
  decimal.exponent = std::clamp<std::int64_t>(decimal.exponent, -(1 << 30), 1 << 30);  // more is as good as endless
  decimal.exponent -= static_cast<std::int64_t>(fraction.size());
  decimal.digits = (negative ? "-" : "") + std::string(whole) + std::string(fraction);
  return text.empty();
}

// In decimal digits: a float would round.
template <class Integer>
NumberStatus parse_decimal(std::string_view text, Integer& value) {
  Decimal decimal;
  if (!take_apart(text, decimal)) return NumberStatus::kNotANumber;
  if (decimal.digits.find_first_not_of("-0") == std::string::npos) decimal.exponent = 0;
  constexpr std::int64_t kMostDigits = 20;  // of what fits 64 bits, and one more
  for (; decimal.exponent > 0 && decimal.digits.size() <= kMostDigits; --decimal.exponent) decimal.digits += '0';
  for (; decimal.exponent < 0 && decimal.digits.size() > 1 && decimal.digits.back() == '0'; ++decimal.exponent) {
    decimal.digits.pop_back();
  }
  if (decimal.exponent < 0) return NumberStatus::kNotANumber;
  if (decimal.exponent > 0) return NumberStatus::kOutOfRange;
  return parse_whole(decimal.digits, value);
}

template <class Integer>
NumberStatus parse_any_integer(std::string_view text, Integer& value) {
  text = without_plus(text);
  const NumberStatus status = parse_whole(text, value);
  return status == NumberStatus::kNotANumber ? parse_decimal(text, value) : status;
}

}  // namespace

NumberStatus parse_float(std::string_view text, float& value) {
  text = without_plus(text);
  const NumberStatus status = parse_whole(text, value);
  if (status != NumberStatus::kOutOfRange) return status;
  long double wide = 0;  // from_chars tells too small and too large apart only by a wider type
  if (parse_whole(text, wide) != NumberStatus::kOk || std::fabs(wide) > 1) return NumberStatus::kOutOfRange;
  value = static_cast<float>(wide);
  return NumberStatus::kOk;
}

NumberStatus parse_double(std::string_view text, double& value) {
  text = without_plus(text);
  const NumberStatus status = parse_whole(text, value);
  if (status != NumberStatus::kOutOfRange) return status;
  Decimal decimal;  // too small or too large: the decimal point's place tells
  if (!take_apart(text, decimal)) return NumberStatus::kNotANumber;
  const std::size_t zeros = std::min(decimal.digits.find_first_not_of("-0"), decimal.digits.size());
  const bool large = decimal.exponent + static_cast<std::int64_t>(decimal.digits.size() - zeros) > 0;
  value = large ? std::numeric_limits<double>::infinity() : 0;
  if (decimal.digits[0] == '-') value = -value;
  return NumberStatus::kOk;
}

NumberStatus parse_integer(std::string_view text, std::int64_t& value) { return parse_any_integer(text, value); }
NumberStatus parse_unsigned(std::string_view text, std::uint64_t& value) { return parse_any_integer(text, value); }

std::string_view trimmed(std::string_view text) {
  constexpr std::string_view kBlanks = " \t";
  const std::size_t begin = text.find_first_not_of(kBlanks);
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(kBlanks) + 1 - begin);
}

void append_float(std::string& out, float value) {
  if (std::isnan(value)) {  // to_chars would write the sign of some
    out += "nan";
    return;
  }
  char text[32];
  const auto result = std::to_chars(text, text + sizeof text, value);
  out.append(text, result.ptr);
}

void append_csv_field(std::string& out, std::string_view field) {
  const auto is_blank = [](char c) { return c == ' ' || c == '\t'; };
  const bool trimmed = !field.empty() && (is_blank(field.front()) || is_blank(field.back()));
  if (!trimmed && field.find_first_of(",\"\r\n") == std::string_view::npos) {
    out += field;
    return;
  }
  out += '"';
  for (const char c : field) out.append(c == '"' ? 2 : 1, c);
  out += '"';
}

std::string quoted(std::string_view value) { return printable_in_quotes(value, 40); }

std::string join(const std::vector<std::string>& names, std::size_t max) {
  constexpr std::size_t kMaxShown = 120;
  std::string out;
  for (std::size_t i = 0; i < names.size() && i < max; ++i) {
    const bool cut = names[i].size() > kMaxShown;
    out += (i > 0 ? ", " : "") + (cut ? printable_in_quotes(names[i], kMaxShown) : printable(names[i]));
  }
  if (names.size() > max) out += " and " + std::to_string(names.size() - max) + " more";
  return out;
}

std::string counted(std::uint64_t count, std::string_view noun) {
  return with_thousands(count) + " " + std::string(noun) + (count == 1 ? "" : "s");
}

std::string with_thousands(std::uint64_t number) {
  std::string digits = std::to_string(number);
  for (std::size_t i = digits.size(); i > 3; i -= 3) digits.insert(i - 3, ",");
  return digits;
}

std::string human_bytes(std::uint64_t bytes) {
  if (bytes < 1000) return counted(bytes, "byte");
  constexpr const char* kUnits[] = {"kB", "MB", "GB", "TB", "PB", "EB"};
  double value = static_cast<double>(bytes) / 1000;
  std::size_t unit = 0;
  while (value >= 999.95) value /= 1000, ++unit;
  char text[32];
  std::snprintf(text, sizeof text, "%.*f %s", value < 99.95 ? 1 : 0, value, kUnits[unit]);
  return text;
}

std::string significant(double number) {
  char text[32];
  std::snprintf(text, sizeof text, "%.3g", number);
  return text;
}

}  // namespace mmoe::tools
