// The values of a categorical feature and their ids, as CSV.
#pragma once

#include <string>

#include "mmoe/model.h"
#include "runtime/tools/support/output_file.h"

namespace mmoe::tools {

/// Writes the header line "value,id", then the vocabulary sorted as the file has it; of bins their bounds, as "[18,
/// 25)". Throws UsageError when the
/// model has no categorical feature of that name or it hashes its values, ToolError when the vocabulary is damaged.
void write_vocabulary(const Model& model, const std::string& feature, OutputFile& out);

}  // namespace mmoe::tools
