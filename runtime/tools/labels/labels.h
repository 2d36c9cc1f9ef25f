// Where the labels of a model's tasks stand in a file of rows.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "mmoe/model.h"

namespace mmoe::tools {

struct TaskLabels {
  std::size_t task;
  std::string column;
  bool binary;  ///< the task's score is a probability, and its labels 0 or 1; else any numbers
};

/// The tasks that have labels. `given`: "TASK=COLUMN", at most once per task, or "TASK=" for none; of other tasks a
/// column label_TASK or TASK of `spare`, the columns that the model does not read. Throws UsageError for what is given
/// but cannot be.
std::vector<TaskLabels> find_labels(const Model& model, const std::vector<std::string>& given,
                                    const std::vector<std::string>& spare);

/// A row's label; NaN where the field is empty or blank: the row has none. Throws ToolError, which begins with `where`.
float parse_label(const TaskLabels& labels, const std::string& field, const std::string& where);

/// Throws ToolError where a task's labels, of all rows that have one, are none or all the same: then there is neither
/// an AUC nor an R squared.
void check_labels(const TaskLabels& labels, const std::vector<float>& values, const std::string& rows_path);

}  // namespace mmoe::tools
