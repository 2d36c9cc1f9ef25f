// Numbers from text and back, and pieces of messages. Nothing here depends on the locale.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace mmoe::tools {

enum class NumberStatus : std::uint8_t { kOk, kNotANumber, kOutOfRange };

/// The whole text as a float, rounded once; a leading '+' is allowed, "nan" and "inf" are numbers. Values too
/// small for a float become zero or subnormal; too large ones are kOutOfRange.
NumberStatus parse_float(std::string_view text, float& value);

/// The same of a double; what is too large for one is infinite.
NumberStatus parse_double(std::string_view text, double& value);

/// The whole text as a whole number, also where a table's writer made a float of it: "5.0", "5.", "8e+00", "1e16". What
/// has a fraction is kNotANumber.
NumberStatus parse_integer(std::string_view text, std::int64_t& value);
NumberStatus parse_unsigned(std::string_view text, std::uint64_t& value);  ///< the same of one that is not negative

/// The text without blanks (spaces and tabs) at its ends.
std::string_view trimmed(std::string_view text);

/// Appends the shortest decimal text that gives the same bits when it is read again; "nan" for
/// every NaN.
void append_float(std::string& out, float value);

/// Appends a field of CSV, in quotes where it needs them to be read back as it is.
void append_csv_field(std::string& out, std::string_view field);

/// 'value' in quotes, printable, cut where it is long.
std::string quoted(std::string_view value);

/// "a, b, c", printable, cut after `max` names: "a, b and 7 more".
std::string join(const std::vector<std::string>& names, std::size_t max = 20);

/// "1 row", "2 rows".
std::string counted(std::uint64_t count, std::string_view noun);

/// "1,234,567".
std::string with_thousands(std::uint64_t number);

/// "37.2 kB": bytes by powers of 1,000.
std::string human_bytes(std::uint64_t bytes);

/// Three significant digits: "0.0123", "12.3", "1.23e+06".
std::string significant(double number);

}  // namespace mmoe::tools
