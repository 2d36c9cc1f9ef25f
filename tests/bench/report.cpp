#include "tests/bench/report.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <functional>
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

const Measured* find(const Cell& cell, const std::string& engine) {
  for (const Measured& measured : cell.engines) {
    if (measured.engine == engine && measured.failure.empty()) return &measured;
  }
  return nullptr;
}

// Of a group, the engine of ours that peers are compared with.
const char* our_engine(Group group) {
  return group == Group::kF32 ? "ours" : group == Group::kSixteenBits ? "ours-f16" : "ours-w8a8";
}

constexpr double kNone = std::numeric_limits<double>::quiet_NaN();

/// A column of the table that is the quotient of two times in a cell; NaN where one of them is missing.
struct Ratio {
  std::string name;
  std::function<double(const Cell&, Statistic)> of;
};

// The fastest engine of a kind and group over ours.
Ratio over_ours(Kind kind, Group group) {
  const std::string ours = our_engine(group);
  const auto of = [=](const Cell& cell, Statistic statistic) {
    double fastest = kNone;
    for (const Measured& measured : cell.engines) {
      if (measured.kind != kind || group_of(measured.numbers) != group || !measured.failure.empty()) continue;
      const double time = seconds(measured, statistic);
      if (!(fastest <= time)) fastest = time;
    }
    const Measured* own = find(cell, ours);
    return own ? fastest / seconds(*own, statistic) : kNone;
  };
  return {(kind == Kind::kAssembled ? "best assembled / " : "best framework / ") + ours, of};
}

// How many times as fast as ours in f32.
Ratio speed_up(const std::string& engine) {
  const auto of = [=](const Cell& cell, Statistic statistic) {
    const Measured* own = find(cell, engine);
    return own ? seconds(cell.engines[0], statistic) / seconds(*own, statistic) : kNone;
  };
  return {"ours / " + engine, of};
}

std::vector<Ratio> ratios(const Cell& cell, Group group) {
  std::vector<Ratio> all;
  for (const Measured& measured : cell.engines) {
    const bool typed = measured.kind == Kind::kOurs && group != Group::kF32 && group_of(measured.numbers) == group;
    if (typed) all.push_back(speed_up(measured.engine));
  }
  all.push_back(over_ours(Kind::kAssembled, group));
  all.push_back(over_ours(Kind::kFramework, group));
  return all;
}

std::string ratio_text(double value) { return std::isnan(value) ? "-" : number("%.2f", value); }

template <class Wanted>
double geometric_mean(const std::vector<Cell>& cells, const Ratio& ratio, Statistic statistic, Wanted wanted) {
  double sum = 0;
  int count = 0;
  for (const Cell& cell : cells) {
    const double value = ratio.of(cell, statistic);
    if (!wanted(cell) || std::isnan(value)) continue;
    sum += std::log(value);
    ++count;
  }
  return std::exp(sum / count);  // NaN where there is none
}

template <class Value, class Member>
std::vector<Value> values(const std::vector<Cell>& cells, Member member) {
  std::vector<Value> found;
  for (const Cell& cell : cells) {
    if (std::find(found.begin(), found.end(), cell.*member) == found.end()) found.push_back(cell.*member);
  }
  return found;
}

std::string means_text(const std::vector<Cell>& cells, Group group, Statistic statistic) {
  const std::vector<Ratio> columns = ratios(cells[0], group);
  tools::TextTable::Cells names = {"geometric mean"};
  for (const Ratio& ratio : columns) names.push_back(ratio.name);
  tools::TextTable table(names);
  const auto add = [&](const std::string& label, auto wanted) {
    tools::TextTable::Cells row = {label};
    for (const Ratio& ratio : columns) row.push_back(ratio_text(geometric_mean(cells, ratio, statistic, wanted)));
    table.add(row);
  };
  for (const std::string& model : values<std::string>(cells, &Cell::model)) {
    add(model, [&](const Cell& cell) { return cell.model == model; });
  }
  for (const std::size_t batch : values<std::size_t>(cells, &Cell::batch)) {
    add("batch " + std::to_string(batch), [&](const Cell& cell) { return cell.batch == batch; });
  }
  add("all cells", [](const Cell&) { return true; });
  return table.text("");
}

// Ours in f32 is in every group's table.
std::vector<std::size_t> engines_of(const Cell& cell, Group group) {
  std::vector<std::size_t> found = {0};
  for (std::size_t i = 1; i < cell.engines.size(); ++i) {
    if (group_of(cell.engines[i].numbers) == group) found.push_back(i);
  }
  return found;
}

std::string times_text(const std::vector<Cell>& cells, Group group, Statistic statistic) {
  const std::vector<std::size_t> engines = engines_of(cells[0], group);
  const std::vector<Ratio> columns = ratios(cells[0], group);
  tools::TextTable::Cells names = {"model", "batch"};
  for (const std::size_t engine : engines) names.push_back(cells[0].engines[engine].engine);
  for (const Ratio& ratio : columns) names.push_back(ratio.name);
  if (group == Group::kF32) names.push_back("our GFLOP/s");
  tools::TextTable table(names);
  for (const Cell& cell : cells) {
    tools::TextTable::Cells row = {cell.model, std::to_string(cell.batch)};
    for (const std::size_t engine : engines) {
      const Measured& measured = cell.engines[engine];
      row.push_back(measured.failure.empty() ? microseconds(seconds(measured, statistic)) : "-");
    }
    for (const Ratio& ratio : columns) row.push_back(ratio_text(ratio.of(cell, statistic)));
    if (group == Group::kF32) row.push_back(number("%.1f", cell.flops / seconds(cell.engines[0], statistic) * 1e-9));
    table.add(row);
  }
  return table.text("");
}

// By engine and model, over all batches. Engines that were not timed show what they were refused for.
std::string differences_text(const std::vector<Cell>& cells) {
  const std::vector<std::string> models = values<std::string>(cells, &Cell::model);
  tools::TextTable::Cells names = {"largest difference of a score", "numbers"};
  for (const std::string& model : models) names.insert(names.end(), {model, "limit"});
  tools::TextTable table(names);
  for (std::size_t engine = 1; engine < cells[0].engines.size(); ++engine) {
    tools::TextTable::Cells row = {cells[0].engines[engine].engine, name_of(cells[0].engines[engine].numbers)};
    for (const std::string& model : models) {
      float largest = 0, limit = 0;
      for (const Cell& cell : cells) {
        if (cell.model != model) continue;
        largest = std::max(largest, cell.engines[engine].difference);
        limit = std::max(limit, cell.engines[engine].limit);
      }
      row.insert(row.end(), {number("%.2g", double{largest}), number("%.2g", double{limit})});
    }
    table.add(row);
  }
  return cells[0].engines.size() > 1 ? table.text("") : "";
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
  const char* title =
      statistic == Statistic::kMedian ? "Microseconds per call, medians" : "Microseconds per call, least of all rounds";
  std::string out;
  for (const Group group : {Group::kF32, Group::kSixteenBits, Group::kEightBits}) {
    if (group != Group::kF32 && engines_of(cells[0], group).size() == 1) continue;
    out += std::string(title) + ": " + name_of(group) + "\n" + times_text(cells, group, statistic) + "\n" +
           means_text(cells, group, statistic) + "\n";
  }
  return out + differences_text(cells) + failures_text(cells);
}

std::string cell_text(const Cell& cell) {
  std::string out =
      cell.model + " x " + std::to_string(cell.batch) + ": ours " + microseconds(cell.engines[0].median) + " us";
  for (const Group group : {Group::kF32, Group::kSixteenBits, Group::kEightBits}) {
    if (engines_of(cell, group).size() == 1) continue;
    for (const Ratio& ratio : ratios(cell, group)) {
      const double value = ratio.of(cell, Statistic::kMedian);
      if (!std::isnan(value)) out += ", " + ratio.name + " " + ratio_text(value);
    }
  }
  return out;
}

}  // namespace mmoe::bench
