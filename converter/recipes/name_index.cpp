#include "converter/recipes/name_index.h"

#include <algorithm>

#include "converter/description/tensor_index.h"
#include "converter/description/text.h"

namespace mmoe::converter {

NameIndex::NameIndex(const WeightSource& weights) {
  std::map<std::string, size_t> by_name;
  for (const TensorInfo& info : weights.tensors()) by_name.emplace(info.name, by_name.size());
  prefix_ = shared_prefixes(by_name).back();
  for (const TensorInfo& info : weights.tensors()) {
    names_.push_back(info.name.substr(prefix_.size()));
    shapes_.push_back(info.shape);
  }
  for (const TensorAlias& alias : weights.aliases()) {
    names_.push_back(alias.name);
    shapes_.push_back(weights.tensors()[alias.tensor].shape);
  }
}

std::vector<NameIndex::Match> NameIndex::find_all(const std::string& pattern) const {
  const Pattern parsed(pattern, "recipe");
  std::vector<Match> matches;
  for (size_t i = 0; i < names_.size(); ++i) {
    const auto values = any_task_ ? parsed.match_any_task(names_[i]) : parsed.match(names_[i], tasks_);
    if (values) matches.push_back({i, *values});
  }
  return matches;
}

std::vector<std::string> NameIndex::texts_of(const std::string& pattern, Placeholder placeholder) const {
  std::vector<std::string> texts;
  for (const Match& match : find_all(pattern)) {
    const std::string& text = match.values[placeholder];
    if (std::find(texts.begin(), texts.end(), text) == texts.end()) texts.push_back(text);
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
