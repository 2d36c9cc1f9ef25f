// Scores as text: CSV for programs, a table for people.
#pragma once

#include <cstddef>
#include <string>
#include <utility>
#include <vector>

#include "runtime/tools/support/output_file.h"

namespace mmoe::tools {

/// Writes one line per row: the kept columns, then the scores.
class ScoreWriter {
 public:
  /// The output must stay as long as the writer.
  ScoreWriter(OutputFile& output, std::vector<std::string> kept_names, std::vector<std::string> task_names)
      : output_(output), kept_names_(std::move(kept_names)), task_names_(std::move(task_names)) {}
  virtual ~ScoreWriter() = default;

  /// `scores`: [number of tasks].
  virtual void write(const std::vector<std::string>& kept, const float* scores) = 0;
  /// Writes what is still held back. To be called once, at the end.
  virtual void finish() = 0;

 protected:
  OutputFile& output_;
  std::vector<std::string> kept_names_;
  std::vector<std::string> task_names_;
};

/// A header line of names; every score in the shortest decimal form that gives the same bits when read again.
class CsvScoreWriter final : public ScoreWriter {
 public:
  CsvScoreWriter(OutputFile& output, std::vector<std::string> kept_names, std::vector<std::string> task_names);
  void write(const std::vector<std::string>& kept, const float* scores) override;
  void finish() override {}

 private:
  std::string line_;
};

/// Aligned columns, scores with six decimals. The widths are those of the first rows, so that memory stays
/// bounded; a longer text later on pushes its line to the right.
class TableScoreWriter final : public ScoreWriter {
 public:
  static constexpr std::size_t kRowsForWidths = 256;

  using ScoreWriter::ScoreWriter;
  void write(const std::vector<std::string>& kept, const float* scores) override;
  void finish() override;

 private:
  using Cells = std::vector<std::string>;
  void measure();
  void write_line(const Cells& cells);

  std::vector<Cells> held_;
  std::vector<std::size_t> widths_;  ///< empty until measured
  std::vector<bool> right_;          ///< numbers are set flush right
};

}  // namespace mmoe::tools
