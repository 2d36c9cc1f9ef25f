#include "converter/program/convert.h"

#include "converter/description/architecture.h"
#include "converter/lowering/lowered.h"

namespace mmoe::converter {

ConvertReport convert(const TrainedModel& description, const ProvenanceInfo& provenance, const ConvertOptions& options,
                      ByteSink& sink) {
  const LoweredModel lowered = lower(description);
  const RawRows rows = random_rows(description, options.num_golden_rows, options.golden_seed);
  Golden golden = make_golden(description, rows);
  ModelFileWriter writer(lowered, provenance);
  writer.write(golden, sink);
  ConvertReport report;
  report.check = check_file(sink.view(), evaluate(description, rows), golden, options.limits);
  writer.replace_header(golden, sink);
  report.file_bytes = sink.view().size();
  report.architecture = architecture_name(lowered.description);
  return report;
}

Converted convert(const TrainedModel& description, const ProvenanceInfo& provenance, const ConvertOptions& options) {
  MemorySink sink;
  ConvertReport report = convert(description, provenance, options, sink);
  return {sink.take(), std::move(report.check), std::move(report.architecture)};
}

}  // namespace mmoe::converter
