// The weights file as the description's patterns see it: finds tensors, reads them, and remembers which were used.
#pragma once

#include <cstddef>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "converter/description/pattern.h"
#include "converter/description/table.h"
#include "converter/importers/weight_source.h"

namespace mmoe::converter {

struct TensorMatch {
  size_t tensor = 0;
  PlaceholderValues values;
};

/// "", then every longer one of the prefixes `module.` and `model.` (or several of them) that all names share.
std::vector<std::string> shared_prefixes(const std::map<std::string, size_t>& names);

/// Wrappers such as torch.nn.DataParallel put `module.` or `model.` before every name: such a prefix, when all
/// tensors share it, is tried where a name does not match as it is.
class TensorIndex {
 public:
  /// `task_names`: what {task} may stand for besides a number. The source must outlive the index.
  TensorIndex(const WeightSource& source, std::vector<std::string> task_names);
  /// The same for a source that the tables made of it keep alive.
  TensorIndex(std::shared_ptr<const WeightSource> source, std::vector<std::string> task_names);

  std::optional<size_t> find(const std::string& name);
  std::vector<TensorMatch> find_all(const Pattern& pattern);

  const TensorInfo& info(size_t tensor) const { return source_->tensors()[tensor]; }
  const std::vector<std::string>& task_names() const { return task_names_; }

  /// The elements; every one of them is finite. Marks the tensor as used.
  std::vector<float> read(size_t tensor);
  /// Rows [first, first + count) of a matrix, which are read, and looked at for numbers that are not finite, when they are
  /// needed: the table may be larger than memory. Marks the tensor as used.
  Table read_rows(size_t tensor, size_t first, size_t count);
  /// The same of a tensor that must be [length] (or a scalar, for length 1).
  std::vector<float> read_vector(size_t tensor, size_t length, const std::string& meaning);

  /// Names of which `*` stands for any text: not used, and known not to be needed. Returns how many they are.
  size_t ignore(const std::string& names);
  bool is_used(size_t tensor) const { return used_[tensor]; }
  /// Names of the tensors never read, without those that inference never needs.
  std::vector<std::string> unused() const;
  const std::string& used_prefix() const { return used_prefix_; }  ///< empty: names matched as they are

  /// Throws: the pattern tried, the field it comes from, and the nearest names there are.
  [[noreturn]] void fail_missing(const Pattern& pattern) const;

 private:
  std::shared_ptr<const WeightSource> source_;
  std::vector<std::string> task_names_;
  std::vector<std::string> longest_first_;  // task_names_, as patterns try them
  std::map<std::string, size_t> by_name_;
  std::vector<std::string> prefixes_;  // "", "module.", "module.model.", ...
  std::vector<bool> used_;
  std::string used_prefix_;
};

}  // namespace mmoe::converter
