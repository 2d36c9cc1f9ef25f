#include "converter/reading/text.h"

#include <algorithm>
#include <numeric>
#include <utility>

#include "runtime/tools/support/printable.h"

namespace mmoe::converter {

std::string join(const std::vector<std::string>& items) {
  std::string text;
  for (const std::string& item : items) text += (text.empty() ? "" : ", ") + tools::printable(item);
  return text;
}

std::string counted(size_t count, const std::string& noun) {
  return std::to_string(count) + " " + noun + (count == 1 ? "" : "s");
}

// Greedy: after a mismatch only the last star has to take one more character.
bool matches_glob(std::string_view pattern, std::string_view text) {
  size_t p = 0, t = 0, star = pattern.npos, taken = 0;
  while (t < text.size()) {
    if (p < pattern.size() && pattern[p] == '*') {
      star = p++;
      taken = t;
    } else if (p < pattern.size() && pattern[p] == text[t]) {
      ++p;
      ++t;
    } else if (star != pattern.npos) {
      p = star + 1;
      t = ++taken;
    } else {
      return false;
    }
  }
  while (p < pattern.size() && pattern[p] == '*') ++p;
  return p == pattern.size();
}

size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), size_t{0});
  for (size_t i = 0; i < a.size(); ++i) {
    size_t diagonal = std::exchange(row[0], i + 1);
    for (size_t j = 0; j < b.size(); ++j) {
      const size_t replaced = diagonal + (a[i] == b[j] ? 0 : 1);
      diagonal = row[j + 1];
      row[j + 1] = std::min({replaced, row[j] + 1, row[j + 1] + 1});
    }
  }
  return row.back();
}

std::vector<std::string> nearest(const std::string& wanted, const std::vector<std::string>& candidates, size_t count) {
  // A message need not be perfect, and must not take minutes on a file of very many or very long names.
  constexpr size_t kMaxCandidates = 20000;
  constexpr size_t kMaxLength = 200;
  std::vector<std::pair<size_t, size_t>> ranked;
  for (size_t i = 0; i < std::min(candidates.size(), kMaxCandidates); ++i) {
    const std::string_view candidate = std::string_view(candidates[i]).substr(0, kMaxLength);
    ranked.emplace_back(edit_distance(std::string_view(wanted).substr(0, kMaxLength), candidate), i);
  }
  std::sort(ranked.begin(), ranked.end());
  std::vector<std::string> names;
  for (size_t i = 0; i < std::min(count, ranked.size()); ++i) names.push_back(candidates[ranked[i].second]);
  return names;
}

}  // namespace mmoe::converter
