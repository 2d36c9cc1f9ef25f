#include "converter/recipes/name_index.h"

#include <algorithm>

#include "converter/error.h"
#include "converter/reading/names.h"
#include "converter/reading/text.h"

namespace mmoe::converter {

namespace {

// Far beyond what libraries write, and small enough that trying every recipe's patterns is a matter of moments.
constexpr size_t kMaxNames = 200000;
constexpr size_t kMaxNameBytes = 500;

void check_names(const std::vector<TensorInfo>& tensors) {
  const std::string advice = ": no library's model; write a description (DESCRIPTION.md)";
  if (tensors.size() > kMaxNames) {
    throw ConvertError("the file has " + std::to_string(tensors.size()) + " tensors, and recipes are for at most " +
                       std::to_string(kMaxNames) + advice);
  }
  for (const TensorInfo& info : tensors) {
    if (info.name.size() <= kMaxNameBytes) continue;
    throw ConvertError("a tensor's name, which begins with \"" + info.name.substr(0, 40) + "\", has " +
                       std::to_string(info.name.size()) + " bytes, and recipes are for names of at most " +
                       std::to_string(kMaxNameBytes) + advice);
  }
}

}  // namespace

NameIndex::NameIndex(const WeightSource& weights, std::string prefix) : prefix_(uncompiled_name(prefix)) {
  check_names(weights.tensors());
  for (const TensorInfo& info : weights.tensors()) {
    const std::string name = uncompiled_name(info.name);
    const bool wrapped = name.compare(0, prefix_.size(), prefix_) == 0;  // training state may stand outside
    names_.push_back(wrapped ? name.substr(prefix_.size()) : name);
    shapes_.push_back(info.shape);
  }
  for (const TensorAlias& alias : weights.aliases()) {
    names_.push_back(alias.name);
    shapes_.push_back(weights.tensors()[alias.tensor].shape);
  }
}

std::optional<PlaceholderValues> NameIndex::match(const Pattern& pattern, size_t name) const {
  return any_task_ ? pattern.match_any_task(names_[name]) : pattern.match(names_[name], tasks_);
}

std::vector<NameIndex::Match> NameIndex::find_all(const std::string& pattern) const {
  const Pattern parsed(pattern, "recipe");
  std::vector<Match> matches;
  for (size_t i = 0; i < names_.size(); ++i) {
    if (auto values = match(parsed, i)) matches.push_back({i, std::move(*values)});
  }
  return matches;
}

bool NameIndex::has(const std::string& pattern) const {
  const Pattern parsed(pattern, "recipe");
  for (size_t i = 0; i < names_.size(); ++i) {
    if (match(parsed, i)) return true;
  }
  return false;
}

std::vector<std::string> NameIndex::texts_of(const std::string& pattern, Placeholder placeholder) const {
  std::vector<std::string> texts;
  std::set<std::string> seen;
  for (const Match& match : find_all(pattern)) {
    const std::string& text = match.values[placeholder];
    if (seen.insert(text).second) texts.push_back(text);
  }
  const bool numbers =
      std::all_of(texts.begin(), texts.end(), [](const std::string& text) { return parse_number(text).has_value(); });
  if (numbers) {
    std::sort(texts.begin(), texts.end(), [](const std::string& a, const std::string& b) {
      return parse_number(a).value() < parse_number(b).value();
    });
  }
  return texts;
}

std::vector<std::string> NameIndex::any_tasks_of(const std::string& pattern) const {
  const Pattern parsed(pattern, "recipe");
  std::vector<std::string> texts;
  std::set<std::string> seen;
  for (const std::string& name : names_) {
    const auto values = parsed.match_any_task(name);
    if (!values) continue;
    const std::string& text = (*values)[Placeholder::kTask];
    if (seen.insert(text).second) texts.push_back(text);
  }
  return texts;
}

bool NameIndex::has_like(const std::string& glob) const {
  return std::any_of(names_.begin(), names_.end(), [&](const std::string& name) { return matches_glob(glob, name); });
}

std::optional<std::string> NameIndex::first_like(const std::string& glob, const std::string& end,
                                                 const std::set<std::string>& taken) const {
  for (const std::string& name : names_) {
    if (!matches_glob(glob, name) || name.size() < end.size()) continue;
    const std::string module = name.substr(0, name.size() - end.size());
    if (taken.count(module) == 0) return module;
  }
  return std::nullopt;
}

void NameIndex::set_tasks(std::vector<std::string> names) {
  any_task_ = false;
  tasks_ = std::move(names);
  std::stable_sort(tasks_.begin(), tasks_.end(),
                   [](const std::string& a, const std::string& b) { return a.size() > b.size(); });
}

}  // namespace mmoe::converter
