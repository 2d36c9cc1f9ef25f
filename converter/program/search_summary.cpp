#include "converter/program/search_summary.h"

#include <algorithm>
#include <cmath>

#include "converter/reading/text.h"
#include "runtime/tools/support/text.h"

namespace mmoe::converter {
namespace {

std::string task_line(const SearchTask& task, const TaskLoss& loss, const TaskLimits& limits) {
  std::string line = "budget: " + task.name + ": largest difference of a score " + tools::significant(loss.largest);
  if (std::isfinite(limits.score)) line += " of " + tools::significant(limits.score) + " allowed";
  if (std::isnan(loss.quality)) return line;
  line += std::string(task.probability ? ", AUC" : ", R²") + " lost " + tools::significant(loss.quality);
  return std::isfinite(limits.quality) ? line + " of " + tools::significant(limits.quality) + " allowed" : line;
}

}  // namespace

std::vector<std::string> describe_search(const SearchResult& result) {
  std::vector<std::string> lines;
  const std::string rows = result.num_kept == result.num_rows
                               ? counted(result.num_rows, "row")
                               : tools::with_thousands(result.num_kept) + " of " + counted(result.num_rows, "row");
  lines.push_back("quantize: " + tools::with_thousands(result.tried.size()) + " choices of types of " +
                  counted(result.parts.size(), "part") + " were compared on " + rows + " and the golden rows");
  lines.push_back("budget: " + (result.budget.texts.empty() ? "none" : join(result.budget.texts)));
  for (size_t task = 0; task < result.tasks.size(); ++task) {
    lines.push_back(task_line(result.tasks[task], result.losses[task], result.budget.tasks[task]));
  }
  if (result.budget.time) {
    lines.push_back("budget: " + tools::significant(result.choice().seconds * 1e6) +
                    " microseconds per row here, in f32 " + tools::significant(result.tried[0].seconds * 1e6));
  }
  const Tried* nearest = result.nearest();
  const bool is_start =
      std::all_of(result.choice().choice.begin(), result.choice().choice.end(), [](uint8_t type) { return type == 0; });
  if (is_start && nearest != nullptr && !nearest->keeps_limits()) {
    lines.push_back("note: nothing smaller keeps the budget; the nearest is " + nearest->name + ", which loses " +
                    tools::significant(nearest->share) + " times what is allowed");
  }
  return lines;
}

}  // namespace mmoe::converter
