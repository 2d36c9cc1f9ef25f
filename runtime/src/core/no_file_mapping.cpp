// For machines without files: models are handed over as bytes.
#include "core/file_mapping.h"
#include "core/make_error.h"

namespace mmoe::internal {

Result<FileMapping> map_file(const char*, std::uint64_t (*)(const unsigned char*)) {
  return make_error(ErrorCode::kUnsupported, "this build maps no files: use Model::from_bytes()");
}

void unmap_file(const FileMapping&) {}

}  // namespace mmoe::internal
