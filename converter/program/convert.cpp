#include "converter/program/convert.h"

#include <utility>

#include "converter/check/lookups.h"
#include "converter/check/score_change.h"
#include "converter/lowering/lowered.h"
#include "converter/model/architecture.h"

namespace mmoe::converter {
namespace {

LoweredModel lower_f32(TrainedModel description) {
  choose_f32(description);
  return lower(description);
}

// The file in f32 against the description: what was lowered, and how.
Golden check_f32(const TrainedModel& description, const ProvenanceInfo& provenance, const RawRows& rows,
                 const ConvertOptions& options, ByteSink& sink) {
  const LoweredModel lowered = lower_f32(description);
  Golden golden = make_golden(description, rows);
  ModelFileWriter(lowered, provenance).write(golden, sink);
  check_file(sink.view(), evaluate(description, rows), golden, options.limits);
  return golden;
}

void measure_change(const ConvertOptions& options, std::string_view file, std::string_view f32_file, Golden& golden) {
  ScoreDifferences differences(golden.change.largest.size());
  differences.add(golden.scores, golden.f32_scores);
  if (options.measure) options.measure(file, f32_file, differences);
  ScoreChange change = differences.result();
  change.rows_file = options.rows_file;
  if (!options.measure) change.num_labels = {}, change.f32_quality = {}, change.quality = {};
  golden.change = std::move(change);
}

// The file in fewer bits, against the evaluation of what it stores; `f32`: what check_f32() has found.
void write_stored(const LoweredModel& lowered, const ProvenanceInfo& provenance, const RawRows& rows,
                  const ConvertOptions& options, std::string_view f32_file, const Golden& f32, ByteSink& sink,
                  ConvertReport& report) {
  const size_t num_tasks = lowered.description.tasks.size();
  Golden golden = make_stored_golden(f32, num_tasks, options.rows_file, options.measure != nullptr);
  ModelFileWriter writer(lowered, provenance);
  writer.write(golden, sink);
  report.check = check_file(sink.view(), evaluate(lowered, rows), golden, options.limits);
  measure_change(options, sink.view(), f32_file, golden);
  writer.replace_header(golden, sink);
  report.change = golden.change;
}

}  // namespace

ConvertReport convert(const TrainedModel& description, const ProvenanceInfo& provenance, const ConvertOptions& options,
                      ByteSink& sink, ByteSink& f32_sink) {
  TrainedModel chosen = description;
  choose_types(options.numbers, chosen);
  LoweredModel lowered = lower(chosen);
  const RawRows rows = random_rows(description, options.num_golden_rows, options.golden_seed);
  ConvertReport report;
  report.number_notes = lowered.notes;
  for (std::string& note : quantise(lowered)) report.number_notes.push_back(std::move(note));
  report.types = count_types(lowered);
  report.is_f32 = is_f32(lowered);
  report.architecture = architecture_name(lowered.description);
  if (report.is_f32) {
    Golden golden = make_golden(description, rows);
    ModelFileWriter writer(lowered, provenance);
    writer.write(golden, sink);
    report.check = check_file(sink.view(), evaluate(description, rows), golden, options.limits);
    writer.replace_header(golden, sink);
  } else {
    const Golden f32 = check_f32(description, provenance, rows, options, f32_sink);
    write_stored(lowered, provenance, rows, options, f32_sink.view(), f32, sink, report);
    report.f32_file_bytes = f32_sink.view().size();
  }
  check_lookups(sink.view(), description);
  report.file_bytes = sink.view().size();
  return report;
}

Converted convert(const TrainedModel& description, const ProvenanceInfo& provenance, const ConvertOptions& options) {
  MemorySink sink, f32_sink;
  ConvertReport report = convert(description, provenance, options, sink, f32_sink);
  return {sink.take(), f32_sink.take(), std::move(report.check), std::move(report.architecture),
          std::move(report.change)};
}

}  // namespace mmoe::converter
