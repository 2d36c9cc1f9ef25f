// Comparison with scores that the user computed in the training framework.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace mmoe::converter {

struct ExpectReport {
  uint64_t num_rows = 0;
  std::vector<double> largest_difference;  ///< per task
  std::vector<std::string> notes;          ///< unknown and missing values of the rows, per feature
};

/// Scores the rows (CSV or .npy, as mmoe-score reads them) with the file's bytes and compares them with the
/// scores file (CSV with the tasks' names as columns, or .npy [rows, num_tasks]). Throws ConvertError naming row
/// and task where they differ by more than `tolerance`.
ExpectReport compare_with_expected(std::string_view file, const std::string& rows_path,
                                   const std::string& scores_path, double tolerance);

}  // namespace mmoe::converter
