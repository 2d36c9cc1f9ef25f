#include "tests/bench/report.h"

#include <cmath>
#include <cstdio>
#include <limits>

#include "runtime/tools/support/text_table.h"

namespace mmoe::bench {
namespace {

std::string number(const char* format, double value) {
  char text[64];
  std::snprintf(text, sizeof text, format, value);
  return text;
}

// Four significant digits, never an exponent.
std::string microseconds(double seconds) {
  const double us = seconds * 1e6;
  return number(us < 10 ? "%.3f" : us < 100 ? "%.2f" : us < 1000 ? "%.1f" : "%.0f", us);
}

double seconds(const Measured& measured, Statistic statistic) {
  return statistic == Statistic::kMedian ? measured.median : measured.best;
}

// The fastest engine of a kind over ours; NaN where none of them ran.
double ratio(const Cell& cell, Kind kind, Statistic statistic) {
  double fastest = std::numeric_limits<double>::quiet_NaN();
  for (const Measured& measured : cell.engines) {
    if (measured.kind != kind || !measured.failure.empty()) continue;
    const double time = seconds(measured, statistic);
    if (!(fastest <= time)) fastest = time;
  }
  return fastest / seconds(cell.engines[0], statistic);
}

std::string ratio_text(double value) { return std::isnan(value) ? "-" : number("%.2f", value); }

double geometric_mean(const std::vector<Cell>& cells, const std::string& model, Kind kind, Statistic statistic) {
  double sum = 0;
  int count = 0;
  for (const Cell& cell : cells) {
    const double value = ratio(cell, kind, statistic);
    if ((!model.empty() && cell.model != model) || std::isnan(value)) continue;
    sum += std::log(value);
    ++count;
  }
  return std::exp(sum / count);  // NaN where there is none
}

tools::TextTable::Cells header(const Cell& cell) {
  tools::TextTable::Cells names = {"model", "batch"};
  for (const Measured& measured : cell.engines) names.push_back(measured.engine);
  names.insert(names.end(), {"best assembled / ours", "best framework / ours", "our GFLOP/s"});
  return names;
}

std::vector<std::string> models(const std::vector<Cell>& cells) {
  std::vector<std::string> names;
  for (const Cell& cell : cells) {
    if (names.empty() || names.back() != cell.model) names.push_back(cell.model);
  }
  return names;
}

std::string means_text(const std::vector<Cell>& cells, Statistic statistic) {
  tools::TextTable table({"geometric mean", "best assembled / ours", "best framework / ours"});
  const auto add = [&](const std::string& label, const std::string& model) {
    table.add({label, ratio_text(geometric_mean(cells, model, Kind::kAssembled, statistic)),
               ratio_text(geometric_mean(cells, model, Kind::kFramework, statistic))});
  };
  for (const std::string& model : models(cells)) add(model, model);
  add("all cells", "");
  return table.text("");
}

std::string failures_text(const std::vector<Cell>& cells) {
  std::string out;
  for (const Cell& cell : cells) {
    for (const Measured& measured : cell.engines) {
      if (measured.failure.empty()) continue;
      out += "not timed: " + measured.engine + " on " + cell.model + " x " + std::to_string(cell.batch) + ": " +
             measured.failure + "\n";
    }
  }
  return out;
}

}  // namespace

std::string report_text(const std::vector<Cell>& cells, Statistic statistic) {
  if (cells.empty()) return "";
  tools::TextTable table(header(cells[0]));
  for (const Cell& cell : cells) {
    tools::TextTable::Cells row = {cell.model, std::to_string(cell.batch)};
    for (const Measured& measured : cell.engines) {
      row.push_back(measured.failure.empty() ? microseconds(seconds(measured, statistic)) : "-");
    }
    row.insert(row.end(), {ratio_text(ratio(cell, Kind::kAssembled, statistic)),
                           ratio_text(ratio(cell, Kind::kFramework, statistic)),
                           number("%.1f", cell.flops / seconds(cell.engines[0], statistic) * 1e-9)});
    table.add(row);
  }
  const char* title = statistic == Statistic::kMedian ? "Microseconds per call, medians\n"
                                                      : "Microseconds per call, least of all rounds\n";
  return title + table.text("") + "\n" + means_text(cells, statistic) + failures_text(cells);
}

std::string cell_text(const Cell& cell) {
  return cell.model + " x " + std::to_string(cell.batch) + ": ours " + microseconds(cell.engines[0].median) +
         " us, best assembled / ours " + ratio_text(ratio(cell, Kind::kAssembled, Statistic::kMedian)) +
         ", best framework / ours " + ratio_text(ratio(cell, Kind::kFramework, Statistic::kMedian));
}

}  // namespace mmoe::bench
