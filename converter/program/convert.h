// The whole way from trained weights and a description to a checked model file.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "converter/check/golden.h"
#include "converter/check/score_change.h"
#include "converter/model/model.h"
#include "converter/quantise/quantise.h"
#include "converter/quantise/type_counts.h"
#include "converter/writer/writer.h"
#include "runtime/tools/support/plan_limits.h"

namespace mmoe::converter {

struct ConvertOptions {
  size_t num_golden_rows = 8;
  uint64_t golden_seed = 1;
  NumberOptions numbers;  ///< where the description says nothing
  /// Adds what a file's scores differ from those of the file in f32 on further rows than the golden ones, which
  /// `rows_file` names.
  std::function<void(std::string_view file, std::string_view f32_file, ScoreDifferences& differences)> measure{};
  std::string rows_file{};
  tools::PlanLimits limits;  ///< a file that exceeds them is refused, as the tools would
};

/// What a conversion found out.
struct ConvertReport {
  CheckReport check;
  std::string architecture;
  uint64_t file_bytes = 0;
  TypeCounts types;
  bool is_f32 = true;                     ///< all numbers; then the rest is empty
  std::vector<std::string> number_notes;  ///< layers that are not stored as was asked for
  uint64_t f32_file_bytes = 0;
  ScoreChange change;  ///< against the file in f32
};

/// Lowers, packs, writes the file to `sink`, which is empty, loads it from there with the runtime, looks up every key
/// of its vocabularies, and checks it against the double-precision evaluation of the description. Where not all numbers
/// are f32, it first writes and checks the file in f32, to `f32_sink`, and then the stored one against the evaluation
/// of the numbers that it stores. Memory: some times the layers' weights, but none of the embedding tables, which
/// stream from where the description reads them to the sink. Throws ConvertError where the check fails; what the sinks
/// then hold is not to be used.
ConvertReport convert(const TrainedModel& description, const ProvenanceInfo& provenance, const ConvertOptions& options,
                      ByteSink& sink, ByteSink& f32_sink);

struct Converted {
  std::vector<uint8_t> file;
  std::vector<uint8_t> f32_file;  ///< empty where all numbers of `file` are f32
  CheckReport check;
  std::string architecture;
  ScoreChange change{};
};

/// The same with the files in memory.
Converted convert(const TrainedModel& description, const ProvenanceInfo& provenance,
                  const ConvertOptions& options = {});

}  // namespace mmoe::converter
