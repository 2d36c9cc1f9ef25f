// Comparison with scores that the user computed in the training framework.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace mmoe::converter {

/// A score s and the framework's may differ by absolute + relative * size. Both round the same exact number, u = 2^-24
/// = 6e-8 per operation, in another order. A sum of n terms of mixed signs is then off by about sqrt(n) u times the
/// size of its terms; n is some hundreds in models of this family, and what a layer gets wrong the next ones carry on
/// without making it larger, on the whole: 32 u = 1.9e-6 covers it. Of a probability, whose size is 1 at most, that is
/// what `absolute` is for. The terms of a regression have its own size, which a score near 0 does not show, but the
/// task's others do: `size` is |s|, or the root mean square of the task's expected scores where that is more.
struct Tolerance {
  double absolute = 2e-6;
  double relative = 2e-6;

  double of(double expected, double typical) const;
};

struct ExpectReport {
  uint64_t num_rows = 0;
  std::vector<std::string> task_names;     ///< of the file, in the order of its scores
  std::vector<double> largest_difference;  ///< per task
  std::vector<std::string> notes;          ///< unknown and missing values of the rows, per feature
};

/// Scores the rows (CSV or .npy, as mmoe-score reads them) with the file's bytes and compares them with the
/// scores file (CSV with the tasks' names as columns, or .npy [rows, num_tasks]). Throws ConvertError naming row
/// and task where they differ by more than the tolerance.
ExpectReport compare_with_expected(std::string_view file, const std::string& rows_path, const std::string& scores_path,
                                   const Tolerance& tolerance);

}  // namespace mmoe::converter
