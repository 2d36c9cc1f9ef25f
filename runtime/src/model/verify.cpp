#include "model/verify.h"

#include <cstring>

#include "core/checked.h"
#include "core/file_mapping.h"
#include "core/make_error.h"
#include "core/xxh64.h"
#include "model/access.h"
#include "model/checker.h"
#include "model/parts.h"
#include "model/verify_buffer.h"
#include "model/verify_layers.h"
#include "model/verify_tensors.h"
#include "model/vocabulary.h"

namespace mmoe::internal {
namespace {

constexpr std::size_t kPrefixBytes = 4;
constexpr std::size_t kMinBytes = kStartBytes;                           // size prefix, root offset, identifier
constexpr std::size_t kChecksumBytes = 8;                                // the file's last ones, the header's checksum
constexpr std::uint64_t kMaxHeaderBytes = (std::uint64_t{1} << 31) - 1;  // what FlatBuffers can address

bool has_identifier(const std::uint8_t* bytes) {
  constexpr std::size_t kPlace = kPrefixBytes + sizeof(flatbuffers::uoffset_t);
  return std::memcmp(bytes + kPlace, schema::ModelIdentifier(), kMinBytes - kPlace) == 0;
}

// What stands before a header that has passed as a FlatBuffers buffer may be read.
Error framing_error(const std::uint8_t* bytes, std::size_t size) {
  if (size < kMinBytes) {
    return make_error(ErrorCode::kNotAModel, "a model file has at least ", kMinBytes, " bytes, this one ", size);
  }
  if (!has_identifier(bytes)) {
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

class ModelVerifier : Checker {
 public:
  using Checker::Checker;

  bool version() const {
    if (root_.version_major() == schema::kVersionMajor) return true;
    if (root_.version_major() == 0) return damaged(nullptr, "version_major: 0");
    if (root_.version_major() < schema::kVersionMajor) {
      return unsupported(nullptr, "format version %.%, from before the first release: convert the model again",
                         root_.version_major(), root_.version_minor());
    }
    return fail(nullptr, ErrorCode::kNewerVersion, "format version %.%; this runtime reads up to major version %",
                root_.version_major(), root_.version_minor(), schema::kVersionMajor);
  }

  // A model ends where its last segment does.
  bool length(std::uint64_t size) const {
    std::uint64_t end = 0;
    for (const schema::Segment* segment : *root_.segments()) {
      std::uint64_t its_end = 0;
      if (!checked_add(segment->offset(), segment->bytes(), its_end)) its_end = UINT64_MAX;
      if (its_end > end) end = its_end;
    }
    if (end > size) return damaged(nullptr, "truncated: the model has % bytes, the file %", end, size);
    return end == size || damaged(nullptr, "% bytes follow the model's %", size - end, end);
  }

  bool score_change() const {
    const schema::ScoreChange* change = root_.score_change();
    if (!change) return true;
    const std::size_t tasks = root_.tasks()->size();
    const std::size_t labelled = size_of(change->num_labels()) == 0 ? 0 : tasks;
    return (size_of(change->largest()) == tasks && size_of(change->mean()) == tasks &&
            size_of(change->num_labels()) == labelled && size_of(change->f32_quality()) == labelled &&
            size_of(change->quality()) == labelled) ||
           damaged(nullptr, "score_change: not one of % tasks", tasks);
  }

  // Rows with known scores match the model's inputs and tasks in number.
  bool golden() const {
    const schema::GoldenRows* golden = root_.golden();
    if (!golden) return true;
    std::uint64_t num_values = 0;
    std::uint64_t num_ids = 0;
    for (std::size_t i = 0; i < size_of(root_.features()); ++i) {
      const schema::Feature* feature = root_.features()->Get(static_cast<flatbuffers::uoffset_t>(i));
      const bool dense = feature->kind() == schema::FeatureKind_Dense;
      num_values += dense ? feature->width() : is_weighted(*feature) ? feature->length() : 0;
      num_ids += dense ? 0 : feature->kind() == schema::FeatureKind_Sequence ? feature->length() : 1;
    }
    if (size_of(root_.features()) == 0) num_values = root_.input_dim();
    const std::uint64_t rows = golden->num_rows();  // 32 bits times at most 2^32: no overflow
    const std::uint64_t scores = rows * root_.tasks()->size();
    const std::uint64_t f32_scores = size_of(golden->f32_scores());
    return (size_of(golden->values()) == rows * num_values && size_of(golden->ids()) == rows * num_ids &&
            size_of(golden->scores()) == scores && (f32_scores == 0 || f32_scores == scores)) ||
           damaged(nullptr, "golden: sizes do not match % rows of this model", rows);
  }
};

// What this runtime does not know in a file of a later minor version is new, and nobody's fault.
Error with_version(const schema::Model& root, const Error& error) {
  if (error.code() != ErrorCode::kUnsupported || root.version_minor() <= schema::kVersionMinor) return error;
  return make_error(ErrorCode::kNewerVersion, "made by a newer version (format ", root.version_major(), ".",
                    root.version_minor(), ", this runtime knows ", schema::kVersionMajor, ".", schema::kVersionMinor,
                    "): ", error.message());
}

}  // namespace

std::uint64_t claimed_header_bytes(const unsigned char* start) {
  if (!has_identifier(start)) return 0;
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
  Error error = framing_error(bytes, size);
  if (error.code() != ErrorCode::kOk) return error;
  const schema::Model& root = *ModelAccess::root(data);
  const ModelVerifier verifier(root, error);
  if (!kVerifiesFully) {
    verifier.version();
    return error;
  }
  const auto header_bytes = static_cast<std::size_t>(claimed_header_bytes(bytes));
  const bool as_written = !verify_checksum || header_is_as_written(data, size);
  if (!verify_buffer(bytes, header_bytes)) {
    return as_written ? make_error(ErrorCode::kDamaged, "the header is not a valid FlatBuffers buffer")
                      : altered_header();
  }
  // Of a file that was cut or appended to, the checksum is not where it is looked for: it is told apart first.
  if ((as_written && !verifier.version()) || !verifier.length(size)) return error;
  if (!as_written) return altered_header();
  const bool sound = verify_tensors(root, header_bytes, size, error) && verify_features(root, error) &&
                     verify_layers(root, error) && verifier.golden() && verifier.score_change();
  return sound ? Status() : with_version(root, error);
}

}  // namespace mmoe::internal
