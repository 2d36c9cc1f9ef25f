// Which kind of table a file holds, by its first bytes.
#pragma once

#include <cstdint>

#include "runtime/tools/support/byte_source.h"

namespace mmoe::tools {

enum class RowFormat : std::uint8_t { kCsv, kNpy };

/// Throws ToolError, saying what to do, for formats that people have but this is not: gzip, zip (.npz),
/// Parquet, UTF-16. What is none of them counts as CSV.
RowFormat detect_row_format(ByteSource& source);

}  // namespace mmoe::tools
