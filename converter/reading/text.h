// Small helpers for error messages.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace mmoe::converter {

/// "8 experts", "1 expert"
std::string counted(size_t count, const std::string& noun);

/// "a, b, c", printable.
std::string join(const std::vector<std::string>& items);

/// Whether the whole text fits a pattern of which `*` stands for any text.
bool matches_glob(std::string_view pattern, std::string_view text);

/// Levenshtein's distance.
size_t edit_distance(std::string_view a, std::string_view b);

/// The at most `count` candidates of the smallest edit distance to `wanted`, nearest first.
std::vector<std::string> nearest(const std::string& wanted, const std::vector<std::string>& candidates, size_t count);

}  // namespace mmoe::converter
