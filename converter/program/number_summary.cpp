#include "converter/program/number_summary.h"

#include <array>
#include <cstdio>

#include "converter/model/number_names.h"
#include "converter/reading/text.h"
#include "runtime/tools/support/text.h"

namespace mmoe::converter {
namespace {

template <class Type>
std::string text_of(const char* what, const std::vector<TypeCount<Type>>& counts) {
  std::vector<std::string> parts;
  for (const TypeCount<Type>& c : counts) {
    parts.push_back(name_of(c.type) + " (" + counted(c.count, what) + ", " + tools::with_thousands(c.numbers) +
                    " numbers)");
  }
  return join(parts);
}

std::string short_text(double number, const char* format = "%.2g") {
  std::array<char, 32> text{};
  std::snprintf(text.data(), text.size(), format, number);
  return text.data();
}

std::string size_text(const ConvertReport& report) {
  const double share = 100 * static_cast<double>(report.file_bytes) / static_cast<double>(report.f32_file_bytes);
  return "size: " + tools::with_thousands(report.file_bytes) + " bytes, " + short_text(share, "%.1f") + " % of the " +
         tools::with_thousands(report.f32_file_bytes) + " bytes in f32";
}

std::string change_text(const ScoreChange& change, const std::vector<std::string>& task_names) {
  if (change.num_rows == 0) {
    return "scores: not compared with those in f32, since there are no golden rows and no --rows";
  }
  std::string text = "scores: differ from those in f32 on " + counted(change.num_rows, "row") +
                     (change.rows_file.empty() ? "" : " (golden rows and " + change.rows_file + ")") +
                     ", largest and mean:";
  for (size_t task = 0; task < task_names.size(); ++task) {
    text += (task == 0 ? " " : ", ") + task_names[task] + " " + short_text(double{change.largest[task]}) + " and " +
            short_text(double{change.mean[task]});
  }
  return text;
}

// One line per task with labels.
void add_quality(const ScoreChange& change, const std::vector<std::string>& task_names,
                 std::vector<std::string>& lines) {
  for (size_t task = 0; task < change.num_labels.size(); ++task) {
    if (change.num_labels[task] == 0) continue;
    const double before = double{change.f32_quality[task]}, after = double{change.quality[task]};
    lines.push_back("quality: " + task_names[task] + ", " + counted(change.num_labels[task], "label") + ": " +
                    (change.is_auc[task] ? "AUC " : "R² ") + short_text(before, "%.6f") + " in f32, " +
                    short_text(after, "%.6f") + " as stored");
  }
}

}  // namespace

std::vector<std::string> describe_numbers(const ConvertReport& report, const std::vector<std::string>& task_names) {
  std::vector<std::string> lines;
  for (const std::string& note : report.number_notes) lines.push_back("note: " + note);
  if (report.is_f32) return lines;
  std::string types = "numbers: weights " + text_of("fused layer", report.types.layers);
  if (!report.types.tables.empty()) types += "; tables " + text_of("table", report.types.tables);
  lines.push_back(types);
  lines.push_back(size_text(report));
  lines.push_back(change_text(report.change, task_names));
  add_quality(report.change, task_names, lines);
  return lines;
}

}  // namespace mmoe::converter
