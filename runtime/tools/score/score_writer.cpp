#include "runtime/tools/score/score_writer.h"

#include <algorithm>
#include <cmath>
#include <cstdio>

#include "runtime/tools/support/printable.h"
#include "runtime/tools/support/text.h"
#include "runtime/tools/support/text_table.h"

namespace mmoe::tools {
namespace {

std::string score_for_people(float score) {
  char text[48];
  std::snprintf(text, sizeof text, std::fabs(score) < 1e6f ? "%.6f" : "%.6g", static_cast<double>(score));
  return std::isnan(score) ? "nan" : text;
}

}  // namespace

CsvScoreWriter::CsvScoreWriter(OutputFile& output, std::vector<std::string> kept_names,
                               std::vector<std::string> task_names)
    : ScoreWriter(output, std::move(kept_names), std::move(task_names)) {
  std::vector<std::string> names = kept_names_;
  names.insert(names.end(), task_names_.begin(), task_names_.end());
  for (const std::string& name : names) {
    if (!line_.empty()) line_ += ',';
    append_csv_field(line_, name);
  }
  output_.write(line_ + "\n");
}

void CsvScoreWriter::write(const std::vector<std::string>& kept, const float* scores) {
  line_.clear();
  for (const std::string& text : kept) {
    append_csv_field(line_, text);
    line_ += ',';
  }
  for (std::size_t i = 0; i < task_names_.size(); ++i) {
    if (i > 0) line_ += ',';
    append_float(line_, scores[i]);
  }
  line_ += '\n';
  output_.write(line_);
}

void TableScoreWriter::write(const std::vector<std::string>& kept, const float* scores) {
  Cells cells;
  for (const std::string& text : kept) cells.push_back(printable(text));
  for (std::size_t i = 0; i < task_names_.size(); ++i) cells.push_back(score_for_people(scores[i]));
  if (!widths_.empty()) return write_line(cells);
  held_.push_back(std::move(cells));
  if (held_.size() == kRowsForWidths) measure();
}

void TableScoreWriter::finish() {
  if (widths_.empty()) measure();
}

void TableScoreWriter::measure() {
  Cells names;
  for (const std::string& name : kept_names_) names.push_back(printable(name));
  for (const std::string& name : task_names_) names.push_back(printable(name));
  for (std::size_t i = 0; i < names.size(); ++i) {
    std::size_t width = display_width(names[i]);
    bool numbers = true;
    float number = 0;
    for (const Cells& cells : held_) {
      width = std::max(width, display_width(cells[i]));
      numbers = numbers && parse_float(cells[i], number) != NumberStatus::kNotANumber;
    }
    widths_.push_back(width);
    right_.push_back(numbers);
  }
  write_line(names);
  for (const Cells& cells : held_) write_line(cells);
  held_.clear();
}

void TableScoreWriter::write_line(const Cells& cells) {
  std::string line;
  for (std::size_t i = 0; i < cells.size(); ++i) {
    line += (i > 0 ? "  " : "") + pad(cells[i], widths_[i], right_[i]);
  }
  line.erase(line.find_last_not_of(' ') + 1);
  output_.write(line + "\n");
}

}  // namespace mmoe::tools
