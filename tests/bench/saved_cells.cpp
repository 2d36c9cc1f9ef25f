#include "tests/bench/saved_cells.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <stdexcept>

#include "runtime/tools/rows/csv_reader.h"

namespace mmoe::bench {
namespace {

constexpr const char* kHeader =
    "model,batch,engine,numbers,median_us,best_us,gflop_per_second,ratio_to_ours,largest_difference,limit,"
    "calls_per_slice,rounds,slice_s,assembled_as,not_timed";
constexpr std::size_t kNumColumns = 15;

std::string number(const char* format, double value) {
  char text[64];
  std::snprintf(text, sizeof text, format, value);
  return text;
}

std::string quoted(std::string text) {
  for (std::size_t at = 0; (at = text.find('"', at)) != std::string::npos; at += 2) text.insert(at, 1, '"');
  return '"' + text + '"';
}

// In steps of 0.1 ns, as the file has it: what is calculated from a time is the same before and after reading it back.
double as_written(double seconds) { return std::round(seconds * 1e10) * 1e-10; }

// median_us ... calls_per_slice
std::string numbers(const Cell& cell, const Measured& measured) {
  if (!measured.failure.empty()) return ",,,,,,";
  return number("%.4f", measured.median * 1e6) + ',' + number("%.4f", measured.best * 1e6) + ',' +
         number("%.2f", cell.flops / as_written(measured.median) * 1e-9) + ',' +
         number("%.4f", as_written(measured.median) / as_written(cell.engines[0].median)) + ',' +
         number("%.2g", double{measured.difference}) + ',' + number("%.2g", double{measured.limit}) + ',' +
         std::to_string(measured.calls);
}

double value_of(const tools::CsvRecord& record, std::size_t field) {
  return std::strtod(std::string(record[field]).c_str(), nullptr);
}

Measured measured_of(const tools::CsvRecord& record) {
  Measured measured;
  measured.engine = record[2];
  for (const EngineEntry& entry : all_engines()) {
    if (entry.name != measured.engine) continue;
    measured.kind = entry.kind;
    measured.numbers = entry.numbers;
  }
  measured.median = value_of(record, 4) * 1e-6;
  measured.best = value_of(record, 5) * 1e-6;
  measured.difference = static_cast<float>(value_of(record, 8));
  measured.limit = static_cast<float>(value_of(record, 9));
  measured.calls = static_cast<std::size_t>(value_of(record, 10));
  measured.choice = record[13];
  measured.failure = record[14];
  return measured;
}

// The line's cell, without engines and operations.
Cell cell_of(const tools::CsvRecord& record) {
  Cell cell;
  cell.model = record[0];
  cell.batch = static_cast<std::size_t>(value_of(record, 1));
  cell.rounds = static_cast<int>(value_of(record, 11));
  cell.slice_seconds = value_of(record, 12);
  return cell;
}

bool same_options(const Cell& a, const Cell& b) {
  return a.model == b.model && a.batch == b.batch && a.rounds == b.rounds && a.slice_seconds == b.slice_seconds;
}

}  // namespace

std::string report_csv(const std::vector<Cell>& cells) {
  std::string out = std::string(kHeader) + '\n';
  for (const Cell& cell : cells) {
    for (const Measured& measured : cell.engines) {
      out += cell.model + ',' + std::to_string(cell.batch) + ',' + measured.engine + ',' + name_of(measured.numbers) +
             ',' + numbers(cell, measured) + ',' + std::to_string(cell.rounds) + ',' +
             number("%.9g", cell.slice_seconds) + ',' + quoted(measured.choice) + ',' + quoted(measured.failure) + '\n';
    }
  }
  return out;
}

std::vector<Cell> read_cells(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) return {};
  const std::string text{std::istreambuf_iterator<char>(file), {}};
  if (text.rfind(std::string(kHeader) + '\n', 0) != 0) {
    throw std::runtime_error(path + ": is no result of this program; move it away");
  }
  tools::CsvReader reader(path, text);
  (void)reader.next();
  std::vector<Cell> cells;
  while (reader.next()) {
    if (reader.record().size() != kNumColumns) throw std::runtime_error(reader.where() + ": is not complete");
    const Cell cell = cell_of(reader.record());
    const bool is_new = cells.empty() || !same_options(cells.back(), cell);
    if (is_new) cells.push_back(cell);
    cells.back().engines.push_back(measured_of(reader.record()));
  }
  return cells;
}

const Cell* find_cell(const std::vector<Cell>& cells, const Cell& wanted) {
  const auto same_engine = [](const Measured& a, const Measured& b) { return a.engine == b.engine; };
  for (const Cell& cell : cells) {
    if (same_options(cell, wanted) && std::equal(cell.engines.begin(), cell.engines.end(), wanted.engines.begin(),
                                                 wanted.engines.end(), same_engine)) {
      return &cell;
    }
  }
  return nullptr;
}

}  // namespace mmoe::bench
