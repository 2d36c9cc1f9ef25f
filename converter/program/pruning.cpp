#include "converter/program/pruning.h"

#include <filesystem>

#include "converter/quantise/quantise.h"
#include "runtime/tools/support/text.h"

namespace mmoe::converter {
namespace {

using tools::with_thousands;

std::string text_of(const PrunedFeature& feature, const PruneReport& report) {
  const std::string begin = "pruned: feature '" + feature.name + "': ";
  if (feature.refuses_unknown) return begin + "it refuses unknown values, and keeps all";
  return begin + with_thousands(feature.num_dropped) + " of " + with_thousands(feature.num_keys) +
         " ids dropped, which " + with_thousands(feature.num_dropped_values) + " of its " +
         with_thousands(feature.num_values) + " known values in " + tools::counted(report.num_rows, "row") + " have";
}

}  // namespace

Pruning::Pruning(const ProvenanceInfo& provenance, const ConvertOptions& options, const std::string& rows_path,
                 uint32_t least, uint64_t scratch_bytes, TrainedModel& model)
    : whole_(model),
      file_(scratch_bytes),
      rows_file_(std::filesystem::path(rows_path).filename().string()),
      least_(least) {
  TrainedModel in_f32 = model;
  choose_f32(in_f32);
  ConvertOptions plain;
  plain.num_golden_rows = options.num_golden_rows;
  plain.golden_seed = options.golden_seed;
  plain.limits = options.limits;
  ScratchSink none(0);
  convert(in_f32, provenance, plain, file_, none);
  report_ = prune(count_ids(file_.view(), model, rows_path), least, model);
}

std::vector<std::string> Pruning::describe() const {
  std::vector<std::string> lines{"pruned: ids that " + rows_file_ + " has fewer than " + with_thousands(least_) +
                                 (least_ == 1 ? " time" : " times")};
  for (const PrunedFeature& feature : report_.features) lines.push_back(text_of(feature, report_));
  for (const PrunedTable& table : report_.tables) {
    lines.push_back("pruned: table '" + table.name + "': " + with_thousands(table.num_kept) + " of " +
                    tools::counted(table.num_rows, "row") + " kept");
  }
  return lines;
}

}  // namespace mmoe::converter
