// The whole way from trained weights and a description to a checked model file.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "converter/check/golden.h"
#include "converter/description/model.h"
#include "converter/writer/writer.h"
#include "runtime/tools/support/plan_limits.h"

namespace mmoe::converter {

struct ConvertOptions {
  size_t num_golden_rows = 8;
  uint64_t golden_seed = 1;
  tools::PlanLimits limits;  ///< a file that exceeds them is refused, as the tools would
};

/// What a conversion found out.
struct ConvertReport {
  CheckReport check;
  std::string architecture;
  uint64_t file_bytes = 0;
};

/// Lowers, packs, writes the file to `sink`, which is empty, loads it from there with the runtime and checks it against
/// the double-precision evaluation of the description. Memory: some times the layers' weights, but none of the
/// embedding tables, which stream from where the description reads them to the sink. Throws ConvertError where the
/// check fails; what the sink then holds is not to be used.
ConvertReport convert(const TrainedModel& description, const ProvenanceInfo& provenance, const ConvertOptions& options,
                      ByteSink& sink);

struct Converted {
  std::vector<uint8_t> file;
  CheckReport check;
  std::string architecture;
};

/// The same with the file in memory.
Converted convert(const TrainedModel& description, const ProvenanceInfo& provenance,
                  const ConvertOptions& options = {});

}  // namespace mmoe::converter
