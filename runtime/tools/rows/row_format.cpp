#include "runtime/tools/rows/row_format.h"

#include <string_view>

#include "runtime/tools/rows/npy_reader.h"
#include "runtime/tools/support/error.h"

namespace mmoe::tools {
namespace {

struct Foreign {
  std::string_view magic;
  const char* message;
};

constexpr Foreign kForeign[] = {
    {"\x1f\x8b", "gzip-compressed; unpack it first, as in: zcat FILE | …"},
    {"PK\x03\x04", "a zip or .npz archive; expected CSV or .npy"},
    {"PAR1", "a Parquet file; expected CSV or .npy"},
    {"\xff\xfe", "UTF-16 text; expected UTF-8"},
    {"\xfe\xff", "UTF-16 text; expected UTF-8"},
};

}  // namespace

RowFormat detect_row_format(ByteSource& source) {
  const std::string_view start = source.peek(NpyReader::kMagic.size());
  const auto starts_with = [start](std::string_view magic) { return start.substr(0, magic.size()) == magic; };
  for (const Foreign& foreign : kForeign) {
    if (starts_with(foreign.magic)) throw ToolError(source.name() + ": " + foreign.message);
  }
  return starts_with(NpyReader::kMagic) ? RowFormat::kNpy : RowFormat::kCsv;
}

}  // namespace mmoe::tools
