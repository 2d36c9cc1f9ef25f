// `mixes` of a gates group: which experts its gates mix, in the order of the logits.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "converter/description/pools.h"
#include "converter/reading/json_reader.h"

namespace mmoe::converter {

class Mixes {
 public:
  /// Without `mixes` in the group: all pools, in order.
  Mixes(const JsonReader& gates, const std::vector<Pool>& pools, const std::vector<std::string>& task_names);

  /// Indices into Level::experts, for the gate of `task` or for a shared one. Of a pool per task a task's gate takes
  /// its own task's experts and a shared gate all, task by task, unless the entry says otherwise.
  std::vector<size_t> experts(std::optional<size_t> task) const;

 private:
  struct Entry {
    Pool pool;
    bool all_tasks = false;
    std::optional<size_t> task;    // one task's experts only
    std::optional<size_t> expert;  // one of each task's only, by position
  };
  static Entry read(const JsonReader& item, const std::vector<Pool>& pools, const std::vector<std::string>& task_names);
  static void append(const Entry& entry, std::optional<size_t> task, std::vector<size_t>& experts);

  JsonReader object_;
  std::vector<Entry> entries_;
};

}  // namespace mmoe::converter
