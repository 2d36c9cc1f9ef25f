// The weights file as the description's patterns see it: finds tensors, reads them, and remembers which were used.
#pragma once

#include <cstddef>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "converter/importers/weight_source.h"
#include "converter/model/table.h"
#include "converter/reading/names.h"
#include "converter/reading/pattern.h"

namespace mmoe::converter {

struct TensorMatch {
  size_t tensor = 0;
  PlaceholderValues values;
};

/// Wrappers such as torch.nn.DataParallel, torch.compile and a module of one's own put `module.`, `_orig_mod.`, `net.`
/// before every name: such a prefix, when all tensors share it, is tried where a name does not match as it is. Of a
/// part that torch.compile has wrapped, the names are also found without `_orig_mod.` in their middle.
class TensorIndex {
 public:
  /// `task_names`: what {task} may stand for besides a number. The source must outlive the index.
  TensorIndex(const WeightSource& source, std::vector<std::string> task_names);
  /// The same for a source that the tables made of it keep alive.
  TensorIndex(std::shared_ptr<const WeightSource> source, std::vector<std::string> task_names);

  std::optional<size_t> find(const std::string& name);
  std::vector<TensorMatch> find_all(const Pattern& pattern);

  std::vector<std::string> names_that_end(const std::string& ending) const;

  const std::vector<KerasLayer>& keras_layers() const { return source_->keras_layers(); }
  const TensorInfo& info(size_t tensor) const { return source_->tensors()[tensor]; }
  const std::vector<std::string>& task_names() const { return task_names_; }

  /// What {task} stands for by the description's word, in the order of the tasks; empty: found out.
  void set_task_numbers(std::vector<std::string> numbers) { task_numbers_ = std::move(numbers); }
  const std::vector<std::string>& task_numbers() const { return task_numbers_; }
  /// Beginnings of names that the description gives to what is not per task.
  void set_shared_names(std::set<std::string> names) { shared_names_ = std::move(names); }
  /// Whether the description has a name for `module`, or for what lies in it, that is not per task.
  bool is_named_as_shared(const std::string& module) const;

  /// The elements; every one of them is finite. Marks the tensor as used.
  std::vector<float> read(size_t tensor);
  /// Rows [first, first + count) of a matrix, which are read, and looked at for numbers that are not finite, when they
  /// are needed: the table may be larger than memory. Marks the tensor as used.
  Table read_rows(size_t tensor, size_t first, size_t count);
  /// The file, for what reads the tensor another way. Marks the tensor as used.
  std::shared_ptr<const WeightSource> use(size_t tensor);
  /// The same of a tensor that must be [length] (or a scalar, for length 1).
  std::vector<float> read_vector(size_t tensor, size_t length, const std::string& meaning);

  /// Names of which `*` stands for any text: not used, and known not to be needed. Returns how many they are.
  size_t ignore(const std::string& names);
  bool is_used(size_t tensor) const { return used_[tensor]; }
  /// The tensors never read, without training state.
  std::vector<size_t> unused() const;
  const std::string& used_prefix() const { return used_prefix_; }  ///< empty: names matched as they are

  /// The experts' texts of a pattern, found by `find` when they are asked for first: each expert of a pool asks for
  /// all.
  const std::vector<std::string>& remember_experts(const Pattern& pattern,
                                                   const std::function<std::vector<std::string>()>& find);

  /// Throws: the pattern tried, the field it comes from, and the nearest names there are.
  [[noreturn]] void fail_missing(const Pattern& pattern) const;

 private:
  std::shared_ptr<const WeightSource> source_;
  std::vector<std::string> task_names_;
  std::vector<std::string> longest_first_;  // task_names_, as patterns try them
  std::vector<std::string> task_numbers_;
  std::map<std::string, std::vector<std::string>> experts_;  // by pattern
  std::set<std::string> shared_names_;
  std::map<std::string, size_t> by_name_;
  std::vector<std::string> prefixes_;  // "", "module.", "module.net.", ...
  std::vector<bool> used_;
  std::string used_prefix_;
};

}  // namespace mmoe::converter
