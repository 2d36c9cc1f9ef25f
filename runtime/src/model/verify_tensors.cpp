#include "model/verify_tensors.h"

#include "core/checked.h"
#include "core/make_error.h"
#include "kernels/panel16.h"
#include "model/access.h"
#include "model/parts.h"
#include "model/tensor_check.h"

namespace mmoe::internal {
namespace {

using flatbuffers::uoffset_t;

constexpr std::uint64_t kAlignment = Model::kAlignment;

std::uint64_t element_bytes(schema::DType dtype) {
  switch (dtype) {
    case schema::DType_F32:
    case schema::DType_I32:
    case schema::DType_U32: return 4;
    case schema::DType_F16:
    case schema::DType_BF16: return 2;
    case schema::DType_I8:
    case schema::DType_U8: return 1;
    case schema::DType_I64:
    case schema::DType_U64: return 8;
  }
  return 0;
}

Status verify_segment(const schema::Segment& segment, std::size_t index, std::uint64_t header_bytes,
                      std::uint64_t file_bytes) {
  if (segment.offset() % kAlignment != 0 || segment.offset() < header_bytes) {
    return make_error(ErrorCode::kDamaged, "segments[", index, "].offset: ", segment.offset(),
                      ", expected a multiple of ", kAlignment, " behind the header");
  }
  if (!range_fits(segment.offset(), segment.bytes(), file_bytes)) {
    return make_error(ErrorCode::kDamaged, "truncated: segments[", index, "] has ", segment.bytes(), " bytes at ",
                      segment.offset(), ", the file ", file_bytes);
  }
  return {};
}

// Bytes of a tensor, or false where its type is unknown or its size does not fit 64 bits.
bool tensor_bytes(const schema::Tensor& tensor, std::uint64_t& bytes) {
  std::uint64_t rows = tensor.rows();
  if (tensor.layout() == schema::Layout_Panel16) {
    rows = (rows + kPanelWidth - 1) / kPanelWidth * kPanelWidth;
  } else if (tensor.layout() != schema::Layout_RowMajor) {
    return false;
  }
  const std::uint64_t element = element_bytes(tensor.dtype());
  return element != 0 && checked_multiply(rows, tensor.cols(), bytes) && checked_multiply(bytes, element, bytes);
}

Status verify_tensor(const schema::Model& root, std::size_t index) {
  const schema::Tensor& tensor = *root.tensors()->Get(static_cast<flatbuffers::uoffset_t>(index));
  if (tensor.segment() >= root.segments()->size()) {
    return make_error(ErrorCode::kDamaged, "tensors[", index, "].segment: ", tensor.segment(), " of ",
                      root.segments()->size());
  }
  std::uint64_t expected = 0;
  if (!tensor_bytes(tensor, expected)) {
    return make_error(ErrorCode::kUnsupported, "tensors[", index, "]: unknown type or layout, or too large");
  }
  if (tensor.bytes() != expected) {
    return make_error(ErrorCode::kDamaged, "tensors[", index, "].bytes: ", tensor.bytes(), ", expected ", expected);
  }
  const schema::Segment& segment = *root.segments()->Get(tensor.segment());
  if (tensor.offset() % kAlignment != 0 || !range_fits(tensor.offset(), tensor.bytes(), segment.bytes())) {
    return make_error(ErrorCode::kDamaged, "tensors[", index, "].offset: ", tensor.offset(),
                      " is misaligned or beyond its segment");
  }
  return {};
}

Status verify_vocabulary(const schema::Model& root, const schema::Feature& feature, std::size_t index,
                         std::uint32_t num_ids) {
  const schema::Vocabulary* vocabulary = feature.vocabulary();
  if (!vocabulary) return make_error(ErrorCode::kDamaged, "features[", index, "].vocabulary: missing");
  const std::uint64_t size = vocabulary->size();
  bool sound = true;
  switch (vocabulary->kind()) {
    case schema::VocabularyKind_Identity: sound = size <= num_ids; break;
    case schema::VocabularyKind_Strings:
      sound = find_tensor(root, vocabulary->keys(), {schema::DType_U8, schema::Layout_RowMajor, kAnySize, 1}) &&
              find_tensor(root, vocabulary->offsets(), {schema::DType_U64, schema::Layout_RowMajor, size + 1, 1}) &&
              find_tensor(root, vocabulary->ids(), {schema::DType_U32, schema::Layout_RowMajor, size, 1});
      break;
    case schema::VocabularyKind_Integers:
      sound = find_tensor(root, vocabulary->keys(), {schema::DType_I64, schema::Layout_RowMajor, size, 1}) &&
              find_tensor(root, vocabulary->ids(), {schema::DType_U32, schema::Layout_RowMajor, size, 1});
      break;
    default:
      return make_error(ErrorCode::kUnsupported, "features[", index, "].vocabulary.kind: ", vocabulary->kind());
  }
  if (!sound) return make_error(ErrorCode::kDamaged, "features[", index, "].vocabulary: wrong tensors or size");
  if (vocabulary->unknown() > schema::UnknownRule_MAX) {
    return make_error(ErrorCode::kUnsupported, "features[", index, "].vocabulary.unknown: ", vocabulary->unknown());
  }
  if (vocabulary->unknown() == schema::UnknownRule_Id && vocabulary->unknown_id() >= num_ids) {
    return make_error(ErrorCode::kDamaged, "features[", index, "].vocabulary.unknown_id: ", vocabulary->unknown_id(),
                      " of ", num_ids);
  }
  return {};
}

Status verify_sparse(const schema::Model& root, const schema::Feature& feature, std::size_t index) {
  const std::int32_t embedding = feature.embedding();
  if (embedding < 0 || static_cast<std::size_t>(embedding) >= size_of(root.embeddings())) {
    return make_error(ErrorCode::kDamaged, "features[", index, "].embedding: out of range");
  }
  const std::uint32_t table = root.embeddings()->Get(static_cast<flatbuffers::uoffset_t>(embedding))->table();
  const schema::Tensor* tensor = tensor_at(root, table);
  if (!tensor) return make_error(ErrorCode::kDamaged, "embeddings[", embedding, "].table: ", table);
  if (tensor->dtype() != schema::DType_F32 || tensor->layout() != schema::Layout_RowMajor) {
    return make_error(ErrorCode::kUnsupported, "embeddings[", embedding, "]: this runtime reads f32 tables only");
  }
  if (tensor->cols() != feature.width() || tensor->rows() == 0 || tensor->rows() > INT32_MAX) {
    return make_error(ErrorCode::kDamaged, "features[", index, "].width: ", feature.width(), ", but its table has ",
                      tensor->rows(), " rows of ", tensor->cols());
  }
  if (feature.kind() == schema::FeatureKind_Sequence) {
    if (feature.length() == 0 || feature.length() > kMaxDim) {
      return make_error(ErrorCode::kDamaged, "features[", index, "].length: ", feature.length());
    }
    if (feature.pooling() > schema::Pooling_MAX) {
      return make_error(ErrorCode::kUnsupported, "features[", index, "].pooling: ", feature.pooling());
    }
  }
  return verify_vocabulary(root, feature, index, tensor->rows());
}

}  // namespace

Status verify_tensors(const schema::Model& root, std::uint64_t header_bytes, std::uint64_t file_bytes) {
  std::uint64_t all_bytes = 0;
  for (std::size_t i = 0; i < root.segments()->size(); ++i) {
    const schema::Segment& segment = *root.segments()->Get(static_cast<flatbuffers::uoffset_t>(i));
    if (Status status = verify_segment(segment, i, header_bytes, file_bytes); !status) return status;
    // Each is within the file, so that this cannot overflow before it is refused: segments that overlap would make
    // checksums cost more than reading the file.
    all_bytes += segment.bytes();
    if (all_bytes > file_bytes) return make_error(ErrorCode::kDamaged, "segments[", i, "]: overlaps others");
  }
  for (std::size_t i = 0; i < root.tensors()->size(); ++i) {
    if (Status status = verify_tensor(root, i); !status) return status;
  }
  return {};
}

Status verify_features(const schema::Model& root) {
  if (root.input_dim() == 0 || root.input_dim() > kMaxDim) {
    return make_error(ErrorCode::kDamaged, "input_dim: ", root.input_dim(), ", expected 1 to ", kMaxDim);
  }
  const std::size_t num_features = size_of(root.features());
  if (num_features > kMaxFeatures) return make_error(ErrorCode::kDamaged, "features: ", num_features);
  if (root.shared_dim() > root.input_dim()) {
    return make_error(ErrorCode::kDamaged, "shared_dim: ", root.shared_dim(), " of ", root.input_dim());
  }
  // The features' columns tile x, those of the user's side from 0 to shared_dim, the others from there on, both in the
  // order of the list: so that a part of a row lies in the program as its caller has it.
  std::uint64_t next[] = {0, root.shared_dim()};
  const std::uint64_t end[] = {root.shared_dim(), root.input_dim()};
  // Also where features are not read: the order of the columns of x is theirs.
  for (std::size_t i = 0; i < num_features; ++i) {
    const schema::Feature& feature = *root.features()->Get(static_cast<flatbuffers::uoffset_t>(i));
    if (feature.side() > schema::Side_MAX || feature.kind() > schema::FeatureKind_MAX) {
      return make_error(ErrorCode::kUnsupported, "features[", i, "]: kind ", feature.kind(), ", side ",
                        feature.side());
    }
    const bool behind = root.shared_dim() == 0 || feature.side() == schema::Side_Item;
    if (feature.column() != next[behind] || feature.width() == 0 || feature.width() > end[behind] - next[behind]) {
      return make_error(ErrorCode::kDamaged, "features[", i, "].column: ", feature.column(), ", expected ",
                        next[behind], " and a width that ends within ", end[behind]);
    }
    next[behind] += feature.width();
    if (!kHasFeatures || feature.kind() == schema::FeatureKind_Dense) continue;
    if (Status status = verify_sparse(root, feature, i); !status) return status;
  }
  if (num_features != 0 && (next[0] != end[0] || next[1] != end[1])) {
    return make_error(ErrorCode::kDamaged, "features: end at columns ", next[0], " and ", next[1],
                      ", expected shared_dim ", end[0], " and input_dim ", end[1]);
  }
  return {};
}

}  // namespace mmoe::internal
