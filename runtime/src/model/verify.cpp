#include "model/verify.h"

#include <cstring>

#include "core/checked.h"
#include "core/file_mapping.h"
#include "core/make_error.h"
#include "core/xxh64.h"
#include "model/access.h"
#include "model/parts.h"
#include "model/verify_layers.h"
#include "model/verify_tensors.h"

namespace mmoe::internal {
namespace {

constexpr std::size_t kPrefixBytes = 4;
constexpr std::size_t kMinBytes = kStartBytes;  // size prefix, root offset, identifier
constexpr std::size_t kChecksumBytes = 8;       // the file's last ones, the header's checksum
constexpr std::uint64_t kMaxHeaderBytes = (std::uint64_t{1} << 31) - 1;  // what FlatBuffers can address

// Tables of a legitimate header are far fewer; the bound keeps a hostile one from costing much time.
constexpr flatbuffers::uoffset_t kMaxDepth = 16;
constexpr flatbuffers::uoffset_t kMaxTables = 1000000;

Status verify_framing(const std::uint8_t* bytes, std::size_t size) {
  if (size < kMinBytes) {
    return make_error(ErrorCode::kNotAModel, "a model file has at least ", kMinBytes, " bytes, this one ", size);
  }
  if (!flatbuffers::BufferHasIdentifier(bytes, schema::ModelIdentifier(), true)) {
    return make_error(ErrorCode::kNotAModel, "the bytes do not start like a .mmoe file");
  }
  const std::uint64_t header_bytes = claimed_header_bytes(bytes);
  if (header_bytes + kChecksumBytes > size || header_bytes > kMaxHeaderBytes) {
    return make_error(ErrorCode::kDamaged, "truncated: the header has ", header_bytes, " bytes, the file ", size);
  }
  return {};
}

Error altered_header() {
  return make_error(ErrorCode::kChecksum, "the header is damaged (checksum): copy the file again");
}

Status verify_buffer(const std::uint8_t* bytes, bool as_written) {
  flatbuffers::Verifier verifier(bytes, static_cast<std::size_t>(claimed_header_bytes(bytes)), kMaxDepth, kMaxTables);
  if (schema::VerifySizePrefixedModelBuffer(verifier)) return {};
  if (!as_written) return altered_header();
  return make_error(ErrorCode::kDamaged, "the header is not a valid FlatBuffers buffer");
}

// A model ends where its last segment does.
Status verify_length(const schema::Model& root, std::uint64_t size) {
  std::uint64_t end = 0;
  for (const schema::Segment* segment : *root.segments()) {
    std::uint64_t its_end = 0;
    if (!checked_add(segment->offset(), segment->bytes(), its_end)) its_end = UINT64_MAX;
    if (its_end > end) end = its_end;
  }
  if (end > size) {
    return make_error(ErrorCode::kDamaged, "truncated: the model has ", end, " bytes, the file ", size);
  }
  if (end < size) {
    return make_error(ErrorCode::kDamaged, size - end, " bytes follow the model's ", end);
  }
  return {};
}

Status verify_version(const schema::Model& root) {
  if (root.version_major() > schema::kVersionMajor) {
    return make_error(ErrorCode::kNewerVersion, "format version ", root.version_major(), ".", root.version_minor(),
                      "; this runtime reads up to major version ", schema::kVersionMajor);
  }
  if (root.version_major() == 0) return make_error(ErrorCode::kDamaged, "version_major: 0");
  if (root.version_major() == schema::kVersionMajor) return {};
  return make_error(ErrorCode::kUnsupported, "format version ", root.version_major(), ".", root.version_minor(),
                    ", from before the first release: convert the model again");
}

// What this runtime does not know in a file of a later minor version is new, and nobody's fault.
Status with_version(const schema::Model& root, const Status& status) {
  if (status.error().code() != ErrorCode::kUnsupported || root.version_minor() <= schema::kVersionMinor) return status;
  return make_error(ErrorCode::kNewerVersion, "made by a newer version (format ", root.version_major(), ".",
                    root.version_minor(), ", this runtime knows ", schema::kVersionMajor, ".", schema::kVersionMinor,
                    "): ", status.error().message());
}

// Everything that refers to something else.
Status verify_contents(const schema::Model& root, std::uint64_t header_bytes, std::uint64_t size) {
  if (Status status = verify_tensors(root, header_bytes, size); !status) return status;
  if (Status status = verify_features(root); !status) return status;
  return verify_layers(root);
}

// Rows with known scores must match the model's inputs and tasks in number.
Status verify_golden(const schema::Model& root) {
  const schema::GoldenRows* golden = root.golden();
  if (!golden) return {};
  std::uint64_t num_values = 0;
  std::uint64_t num_ids = 0;
  for (std::size_t i = 0; i < size_of(root.features()); ++i) {
    const schema::Feature* feature = root.features()->Get(static_cast<flatbuffers::uoffset_t>(i));
    const bool dense = feature->kind() == schema::FeatureKind_Dense;
    num_values += dense ? feature->width() : 0;
    num_ids += dense ? 0 : feature->kind() == schema::FeatureKind_Sequence ? feature->length() : 1;
  }
  if (size_of(root.features()) == 0) num_values = root.input_dim();
  const std::uint64_t rows = golden->num_rows();  // 32 bits times at most 2^32: no overflow
  if (size_of(golden->values()) != rows * num_values || size_of(golden->ids()) != rows * num_ids ||
      size_of(golden->scores()) != rows * root.tasks()->size()) {
    return make_error(ErrorCode::kDamaged, "golden: sizes do not match ", rows, " rows of this model");
  }
  return {};
}

}  // namespace

std::uint64_t claimed_header_bytes(const unsigned char* start) {
  if (!flatbuffers::BufferHasIdentifier(start, schema::ModelIdentifier(), true)) return 0;
  return std::uint64_t{flatbuffers::ReadScalar<std::uint32_t>(start)} + kPrefixBytes;
}

bool header_is_as_written(const void* data, std::size_t size) {
  const auto* bytes = static_cast<const unsigned char*>(data);
  std::uint64_t expected;
  std::memcpy(&expected, bytes + size - kChecksumBytes, sizeof expected);
  return xxh64(bytes, static_cast<std::size_t>(claimed_header_bytes(bytes))) == expected;
}

Status verify_model(const void* data, std::size_t size, bool verify_checksum) {
  const auto* bytes = static_cast<const std::uint8_t*>(data);
  if (Status status = verify_framing(bytes, size); !status) return status;
  const schema::Model& root = *ModelAccess::root(data);
  if (!kVerifiesFully) return verify_version(root);
  const bool as_written = !verify_checksum || header_is_as_written(data, size);
  if (Status status = verify_buffer(bytes, as_written); !status) return status;
  // Of a file that was cut or appended to, the checksum is not where it is looked for: it is told apart first.
  if (as_written) {
    if (Status status = verify_version(root); !status) return status;
  }
  if (Status status = verify_length(root, size); !status) return status;
  if (!as_written) return altered_header();
  if (Status status = verify_contents(root, claimed_header_bytes(bytes), size); !status) {
    return with_version(root, status);
  }
  return verify_golden(root);
}

}  // namespace mmoe::internal
