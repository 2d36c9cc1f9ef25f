#include "model/verify.h"

#include <cstring>

#include "core/checked.h"
#include "core/make_error.h"
#include "model/access.h"
#include "model/parts.h"
#include "model/verify_layers.h"
#include "model/verify_tensors.h"

namespace mmoe::internal {
namespace {

constexpr std::size_t kPrefixBytes = 4;
constexpr std::size_t kMinBytes = kPrefixBytes + 8;  // size prefix, root offset, identifier
constexpr std::uint64_t kMaxHeaderBytes = (std::uint64_t{1} << 31) - 1;  // what FlatBuffers can address

// Tables of a legitimate header are far fewer; the bound keeps a hostile one from costing much time.
constexpr flatbuffers::uoffset_t kMaxDepth = 16;
constexpr flatbuffers::uoffset_t kMaxTables = 1000000;

constexpr std::uint16_t kVersionMajor = 1;

Status verify_header(const std::uint8_t* bytes, std::size_t size) {
  if (size < kMinBytes) {
    return make_error(ErrorCode::kNotAModel, "a model file has at least ", kMinBytes, " bytes, this one ", size);
  }
  if (!flatbuffers::BufferHasIdentifier(bytes, schema::ModelIdentifier(), true)) {
    return make_error(ErrorCode::kNotAModel, "the bytes do not start like a .mmoe file");
  }
  const std::uint64_t header_bytes = std::uint64_t{flatbuffers::ReadScalar<std::uint32_t>(bytes)} + kPrefixBytes;
  if (header_bytes > size || header_bytes > kMaxHeaderBytes) {
    return make_error(ErrorCode::kDamaged, "truncated: the header has ", header_bytes, " bytes, the file ", size);
  }
  if (!kVerifiesFully) return {};
  flatbuffers::Verifier verifier(bytes, static_cast<std::size_t>(header_bytes), kMaxDepth, kMaxTables);
  if (!schema::VerifySizePrefixedModelBuffer(verifier)) {
    return make_error(ErrorCode::kDamaged, "the header is not a valid FlatBuffers buffer");
  }
  return {};
}

Status verify_version(const schema::Model& root) {
  if (root.version_major() > kVersionMajor) {
    return make_error(ErrorCode::kNewerVersion, "format version ", root.version_major(), ".", root.version_minor(),
                      "; this runtime reads up to major version ", kVersionMajor);
  }
  if (root.version_major() == 0) return make_error(ErrorCode::kDamaged, "version_major: 0");
  return {};
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

Status verify_model(const void* data, std::size_t size) {
  if (Status status = verify_header(static_cast<const std::uint8_t*>(data), size); !status) return status;
  const schema::Model& root = *ModelAccess::root(data);
  if (Status status = verify_version(root); !status) return status;
  if (!kVerifiesFully) return {};
  const std::uint64_t header_bytes =
      std::uint64_t{flatbuffers::ReadScalar<std::uint32_t>(data)} + kPrefixBytes;
  if (Status status = verify_tensors(root, header_bytes, size); !status) return status;
  if (Status status = verify_features(root); !status) return status;
  if (Status status = verify_layers(root); !status) return status;
  return verify_golden(root);
}

}  // namespace mmoe::internal
