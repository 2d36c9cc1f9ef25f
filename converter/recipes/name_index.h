// The names and shapes of a weights file as a recipe looks at them, before anything is read.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "converter/importers/weight_source.h"
#include "converter/reading/pattern.h"

namespace mmoe::converter {

class NameIndex {
 public:
  struct Match {
    size_t tensor = 0;
    PlaceholderValues values;
  };

  /// A tensor's other names are listed behind all first ones. `prefix`: one of shared_prefixes, which is left out of
  /// the names that begin with it. Throws ConvertError for names longer or more than a library gives them.
  NameIndex(const WeightSource& weights, std::string prefix);

  /// In the order of the file. {task} stands for any text until set_tasks, then for those and for numbers.
  std::vector<Match> find_all(const std::string& pattern) const;
  bool has(const std::string& pattern) const;
  /// What the placeholder stands for: numbers in ascending order, else in the order of the file.
  std::vector<std::string> texts_of(const std::string& pattern, Placeholder placeholder) const;

  /// What {task} stands for, also beside the tasks.
  std::vector<std::string> any_tasks_of(const std::string& pattern) const;

  /// Whether a name fits, in which `*` stands for any text.
  bool has_like(const std::string& glob) const;
  /// Of the first name that fits, without its `end`, and is not among `taken`.
  std::optional<std::string> first_like(const std::string& glob, const std::string& end,
                                        const std::set<std::string>& taken) const;

  void set_tasks(std::vector<std::string> names);

  const std::string& prefix() const { return prefix_; }  ///< what has been left out of all names
  size_t size() const { return names_.size(); }
  const std::string& name(size_t tensor) const { return names_[tensor]; }
  const std::vector<uint64_t>& shape(size_t tensor) const { return shapes_[tensor]; }

 private:
  std::optional<PlaceholderValues> match(const Pattern& pattern, size_t name) const;

  std::string prefix_;
  std::vector<std::string> names_;
  std::vector<std::vector<uint64_t>> shapes_;
  bool any_task_ = true;
  std::vector<std::string> tasks_;  // the longest first
};

}  // namespace mmoe::converter
