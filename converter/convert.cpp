#include "converter/convert.h"

#include "converter/lowering/lowered.h"
#include "converter/description/architecture.h"

namespace mmoe::converter {

Converted convert(const ModelDescription& description, const ProvenanceInfo& provenance,
                  const ConvertOptions& options) {
  const LoweredModel lowered = lower(description);
  const RawRows rows = random_rows(description, options.num_golden_rows, options.golden_seed);
  Golden golden = make_golden(lowered, rows);
  Converted converted;
  // The header's size does not depend on the scores' values, so the file is made once without and once with them.
  const std::vector<uint8_t> unscored = serialize(lowered, golden, provenance);
  converted.check = check_file(unscored, evaluate(description, rows), golden);
  converted.file = serialize(lowered, golden, provenance);
  converted.architecture = architecture_name(lowered.description);
  return converted;
}

}  // namespace mmoe::converter
