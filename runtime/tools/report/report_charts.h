// The pictures of a report, as SVG that takes its colours from the page.
#pragma once

#include <string>
#include <vector>

#include "runtime/tools/report/report.h"

namespace mmoe::tools {

/// Per expert a bar of its mean weight, a line over the middle 80 % of the rows with a tick at the median, and below
/// a histogram of the rows by weight. `top`: the weight at the upper edge. `colour`: the class of the bars.
std::string gate_chart(const GateReport& gate, double top, const std::string& colour);

struct Series {
  std::string name, colour;
  std::vector<double> values;  ///< one per label
};

/// Lines over the labels from left to right; the y axis includes 0. `is_share`: of 0 to 100 %.
std::string line_chart(const std::vector<std::string>& labels, const std::vector<Series>& series, bool is_share);

/// The least of 0.1, 0.2, 0.4, 0.6, 0.8 and 1 that all means and upper tenths of the report fit under.
double top_weight(const Report& report);

/// The class of a task's colour; of a gate that feeds several tasks, "several".
std::string colour_of(const Report& report, const GateReport& gate);
std::string task_colour(std::size_t task);

}  // namespace mmoe::tools
