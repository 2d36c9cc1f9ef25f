#include "converter/reading/names.h"

#include <algorithm>
#include <array>
#include <set>
#include <string_view>

namespace mmoe::converter {

namespace {

constexpr std::string_view kCompiled = "_orig_mod.";

bool starts_with(std::string_view text, std::string_view start) { return text.substr(0, start.size()) == start; }

// The longest text that all names begin with.
std::string common_start(const std::vector<std::string>& names) {
  if (names.empty()) return "";
  const auto [first, last] = std::minmax_element(names.begin(), names.end());
  const auto end = std::mismatch(first->begin(), first->end(), last->begin(), last->end()).first;
  return {first->begin(), end};
}

void add_prefixes(const std::vector<std::string>& names, std::set<std::string>& prefixes) {
  const std::string start = common_start(names);
  for (size_t end = start.find_first_of("./"); end != start.npos; end = start.find_first_of("./", end + 1)) {
    // What stands for a whole name is no prefix of it.
    if (end + 1 < names.front().size()) prefixes.insert(start.substr(0, end + 1));
  }
}

}  // namespace

std::vector<std::string> shared_prefixes(const std::vector<TensorInfo>& tensors) {
  std::vector<std::string> names, uncompiled;
  for (const TensorInfo& info : tensors) {
    if (is_training_state(info.name)) continue;
    names.push_back(info.name);
    uncompiled.push_back(uncompiled_name(info.name));
  }
  std::set<std::string> found = {""};
  add_prefixes(names, found);
  add_prefixes(uncompiled, found);
  std::vector<std::string> prefixes(found.begin(), found.end());
  std::stable_sort(prefixes.begin(), prefixes.end(),
                   [](const std::string& a, const std::string& b) { return a.size() < b.size(); });
  return prefixes;
}

std::string uncompiled_name(const std::string& name) {
  std::string plain;
  for (size_t at = 0; at < name.size();) {
    const bool begins_part = at == 0 || name[at - 1] == '.';
    if (begins_part && starts_with(std::string_view(name).substr(at), kCompiled)) {
      at += kCompiled.size();
    } else {
      plain += name[at++];
    }
  }
  return plain;
}

bool is_training_state(const std::string& name) {
  constexpr std::array<std::string_view, 3> kState = {"num_batches_tracked", "n_averaged", "seed_generator_state"};
  const size_t dot = name.find_last_of("./");
  const std::string_view last = std::string_view(name).substr(dot == name.npos ? 0 : dot + 1);
  return std::find(kState.begin(), kState.end(), last) != kState.end();
}

}  // namespace mmoe::converter
