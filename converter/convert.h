// The whole way from trained weights and a description to a checked model file.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "converter/check/golden.h"
#include "converter/description/model.h"
#include "converter/writer/writer.h"

namespace mmoe::converter {

struct ConvertOptions {
  size_t num_golden_rows = 8;
  uint64_t golden_seed = 1;
};

struct Converted {
  std::vector<uint8_t> file;
  CheckReport check;
  std::string architecture;
};

/// Lowers, packs, serialises, loads the result with the runtime and checks it against the double-precision
/// evaluation of the description. Throws ConvertError where the check fails.
Converted convert(const ModelDescription& description, const ProvenanceInfo& provenance,
                  const ConvertOptions& options = {});

}  // namespace mmoe::converter
