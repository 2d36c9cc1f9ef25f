#include "model/verify_tensors.h"

#include "core/checked.h"
#include "kernels/panel16.h"
#include "model/access.h"
#include "model/checker.h"
#include "model/dates.h"
#include "model/hashing.h"
#include "model/parts.h"
#include "model/stored_types.h"
#include "model/tensor_check.h"
#include "model/vocabulary.h"

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
    case schema::DType_U64:
    case schema::DType_F64: return 8;
    case schema::DType_U4: return 0;  // in FusedRows alone
  }
  return 0;
}

// Bytes of a tensor, or false where its type is unknown or its size does not fit 64 bits.
bool tensor_bytes(const schema::Tensor& tensor, std::uint64_t& bytes) {
  std::uint64_t rows = tensor.rows(), element = element_bytes(tensor.dtype()), row = tensor.cols() * element;
  if (kernels::kHasCodes && tensor.layout() == schema::Layout_FusedRows) {
    const bool bytes_each = tensor.dtype() == schema::DType_U8;
    element = bytes_each || tensor.dtype() == schema::DType_U4;
    const auto type = bytes_each ? kernels::TableType::kU8 : kernels::TableType::kU4;
    row = kernels::table_row_bytes<std::uint64_t>(type, tensor.cols());
  } else if (tensor.layout() != schema::Layout_RowMajor) {
    rows = (rows + kPanelWidth - 1) / kPanelWidth * kPanelWidth;
    if (kernels::kHasW8A8 && tensor.layout() == schema::Layout_Panel16Quads) {
      // Neither sum can overflow: columns are 32 bits, and there are no more shared ones than that.
      const std::uint64_t shared = tensor.shared_cols();
      if (tensor.dtype() != schema::DType_I8 || shared > tensor.cols()) return false;
      row = 4 * (kernels::quads_of(shared) + kernels::quads_of(tensor.cols() - shared));
    } else if (tensor.layout() != schema::Layout_Panel16) {
      return false;
    }
  }
  return element != 0 && checked_multiply(rows, row, bytes);
}

class TensorVerifier : Checker {
 public:
  using Checker::Checker;

  bool run(std::uint64_t header_bytes, std::uint64_t file_bytes) const {
    std::uint64_t all_bytes = 0;
    for (uoffset_t i = 0; i < root_.segments()->size(); ++i) {
      const schema::Segment& its = *root_.segments()->Get(i);
      if (!segment(its, i, header_bytes, file_bytes)) return false;
      // Each is within the file, so that this cannot overflow before it is refused: segments that overlap would make
      // checksums cost more than reading the file.
      all_bytes += its.bytes();
      if (all_bytes > file_bytes) return damaged(nullptr, "segments[%]: overlaps others", i);
    }
    for (uoffset_t i = 0; i < root_.tensors()->size(); ++i) {
      if (!tensor(*root_.tensors()->Get(i), i)) return false;
    }
    return true;
  }

 private:
  bool segment(const schema::Segment& segment, uoffset_t index, std::uint64_t header_bytes,
               std::uint64_t file_bytes) const {
    if (segment.offset() % kAlignment != 0 || segment.offset() < header_bytes) {
      return damaged(nullptr, "segments[%].offset: %, expected a multiple of % behind the header", index,
                     segment.offset(), kAlignment);
    }
    return range_fits(segment.offset(), segment.bytes(), file_bytes) ||
           damaged(nullptr, "truncated: segments[%] has % bytes at %, the file %", index, segment.bytes(),
                   segment.offset(), file_bytes);
  }

  bool tensor(const schema::Tensor& tensor, uoffset_t index) const {
    if (tensor.segment() >= root_.segments()->size()) {
      return damaged(nullptr, "tensors[%].segment: % of %", index, tensor.segment(), root_.segments()->size());
    }
    std::uint64_t expected = 0;
    if (!tensor_bytes(tensor, expected)) {
      return unsupported(nullptr, "tensors[%]: unknown type or layout, or too large", index);
    }
    if (tensor.bytes() != expected) {
      return damaged(nullptr, "tensors[%].bytes: %, expected %", index, tensor.bytes(), expected);
    }
    const std::uint64_t available = root_.segments()->Get(tensor.segment())->bytes();
    return (tensor.offset() % kAlignment == 0 && range_fits(tensor.offset(), expected, available)) ||
           damaged(nullptr, "tensors[%].offset: % is misaligned or beyond its segment", index, tensor.offset());
  }
};

class FeatureVerifier : Checker {
 public:
  using Checker::Checker;

  // The features' columns tile x, those of the user's side from 0 to shared_dim, the others from there on, both in the
  // order of the list: so that a part of a row lies in the program as its caller has it. Also where features are not
  // read: the order of the columns of x is theirs.
  bool run() const {
    if (root_.input_dim() == 0 || root_.input_dim() > kMaxDim) {
      return damaged(nullptr, "input_dim: %, expected 1 to %", root_.input_dim(), kMaxDim);
    }
    const std::size_t num_features = size_of(root_.features());
    if (num_features > kMaxFeatures) return damaged(nullptr, "features: %", num_features);
    if (root_.shared_dim() > root_.input_dim()) {
      return damaged(nullptr, "shared_dim: % of %", root_.shared_dim(), root_.input_dim());
    }
    std::uint32_t next[] = {0, root_.shared_dim()};
    const std::uint32_t end[] = {root_.shared_dim(), root_.input_dim()};
    for (uoffset_t i = 0; i < num_features; ++i) {
      const schema::Feature& feature = *root_.features()->Get(i);
      if (feature.side() > schema::Side_MAX || feature.kind() > schema::FeatureKind_MAX) {
        return unsupported(nullptr, "features[%]: kind %, side %", i, feature.kind(), feature.side());
      }
      const bool behind = root_.shared_dim() == 0 || feature.side() == schema::Side_Item;
      if (feature.column() != next[behind] || feature.width() == 0 || feature.width() > end[behind] - next[behind]) {
        return damaged(nullptr, "features[%].column: %, expected % and a width that ends within %", i, feature.column(),
                       next[behind], end[behind]);
      }
      next[behind] += feature.width();
      const bool dense = feature.kind() == schema::FeatureKind_Dense;
      if (kHasFeatures && !(dense ? scaling(feature.scaling(), i) : categories(feature, i))) return false;
    }
    return num_features == 0 || (next[0] == end[0] && next[1] == end[1]) ||
           damaged(nullptr, "features: end at columns % and %, expected shared_dim % and input_dim %", next[0], next[1],
                   end[0], end[1]);
  }

 private:
  bool is_tensor(std::int32_t index, schema::DType dtype, std::uint64_t rows) const {
    return find_tensor(root_, index, {dtype, schema::Layout_RowMajor, rows, 1}) != nullptr;
  }

  // Of a dense feature; may be null.
  bool scaling(const schema::Scaling* scaling, uoffset_t index) const {
    if (!scaling || scaling->function() == schema::NumberFunction_Identity) return true;
    if (!kHasFunctions) {
      return unsupported(nullptr, "features[%].scaling.function: functions of numbers are not in this build", index);
    }
    if (scaling->function() > schema::NumberFunction_MAX) {
      return unsupported(nullptr, "features[%].scaling.function: %", index, scaling->function());
    }
    if (scaling->function() >= schema::NumberFunction_Points) return points(*scaling, index);
    const float exponent = scaling->exponent();
    const bool any = scaling->function() != schema::NumberFunction_Power;
    return (exponent - exponent == 0 && (any || exponent != 0)) ||
           damaged(nullptr, "features[%].scaling.exponent: 0 or not finite", index);
  }

  bool points(const schema::Scaling& scaling, uoffset_t index) const {
    const schema::Tensor* tensor = tensor_at(root_, scaling.points());
    const std::uint64_t count = tensor ? tensor->cols() : 0;
    return (count > 1 &&
            find_tensor(root_, scaling.points(), {schema::DType_F64, schema::Layout_RowMajor, 2, count})) ||
           damaged(nullptr, "features[%].scaling.points: wrong tensor", index);
  }

  // Of a sparse feature or a sequence.
  bool categories(const schema::Feature& feature, uoffset_t index) const {
    const std::int32_t embedding = feature.embedding();
    if (embedding < 0 || static_cast<std::size_t>(embedding) >= size_of(root_.embeddings())) {
      return damaged(nullptr, "features[%].embedding: out of range", index);
    }
    const std::uint32_t table = root_.embeddings()->Get(static_cast<uoffset_t>(embedding))->table();
    const schema::Tensor* tensor = tensor_at(root_, table);
    if (!tensor) return damaged(nullptr, "embeddings[%].table: %", embedding, table);
    if (kernels::TableType type; !table_type_of(*tensor, type)) {
      return unsupported(nullptr, "embeddings[%]: type % with layout % is not in this build", embedding,
                         tensor->dtype(), tensor->layout());
    }
    const bool kept = feature.kind() == schema::FeatureKind_Sequence && feature.pooling() == schema::Pooling_Kept;
    const std::uint64_t width = kept ? (tensor->cols() + std::uint64_t{1}) * feature.length() : tensor->cols();
    if (width != feature.width() || tensor->rows() == 0 || tensor->rows() > INT32_MAX) {
      return damaged(nullptr, "features[%].width: %, but its table has % rows of %", index, feature.width(),
                     tensor->rows(), tensor->cols());
    }
    if (feature.kind() == schema::FeatureKind_Sequence) {
      if (feature.length() == 0 || feature.length() > kMaxDim) {
        return damaged(nullptr, "features[%].length: %", index, feature.length());
      }
      if (feature.pooling() > schema::Pooling_MAX || (kept && !kHasNodes)) {
        return unsupported(nullptr, "features[%].pooling: %", index, feature.pooling());
      }
      if (!kHasWeights && (feature.pooling() >= schema::Pooling_SqrtN || feature.empty_id() >= 0)) {
        return unsupported(nullptr, "features[%].pooling: sqrtn, weights and empty_id are not in this build", index);
      }
      if (kHasWeights && feature.empty_id() >= static_cast<std::int32_t>(tensor->rows())) {
        return damaged(nullptr, "features[%].empty_id: % of %", index, feature.empty_id(), tensor->rows());
      }
      if (is_weighted(feature) != (feature.weights() != nullptr)) {
        return damaged(nullptr, "features[%].weights: not as pooling % has them", index, feature.pooling());
      }
    }
    if (!feature.vocabulary()) return damaged(nullptr, "features[%].vocabulary: missing", index);
    return vocabulary(*feature.vocabulary(), index, tensor->rows());
  }

  // Of a vocabulary of hash buckets, or of keys.
  bool hashing(const schema::Vocabulary& vocabulary, uoffset_t index, std::uint32_t num_ids) const {
    const schema::Hashing* its = vocabulary.hashing();
    const bool has_keys = vocabulary.kind() != schema::VocabularyKind_Hash;
    if (!its) return has_keys || damaged(nullptr, "features[%].vocabulary.hashing: missing", index);
    if (its->function() > schema::HashFunction_MAX || its->bytes() > schema::HashedBytes_MAX ||
        its->rule() > schema::BucketRule_MAX) {
      return unsupported(nullptr, "features[%].vocabulary.hashing: function %, bytes %, rule %", index, its->function(),
                         its->bytes(), its->rule());
    }
    const bool crossed = its->bytes() == schema::HashedBytes_Crossed,
               of_texts = its->bytes() != schema::HashedBytes_Int64;
    const bool fits = vocabulary.kind() == schema::VocabularyKind_Strings ? hashes_text(*its)
                      : vocabulary.kind() == schema::VocabularyKind_Integers
                          ? its->bytes() < schema::HashedBytes_Crossed
                          : true;
    if (!fits || (of_texts && its->function() == schema::HashFunction_Value) || (its->prefix() && !hashes_text(*its))) {
      return damaged(nullptr, "features[%].vocabulary.hashing.bytes: % of function %", index, its->bytes(),
                     its->function());
    }
    if (its->bytes() >= schema::HashedBytes_Crossed && !parts(*its, index)) return false;
    const bool wide = its->function() == schema::HashFunction_XXH64 ||
                      its->function() == schema::HashFunction_Murmur64 ||
                      its->function() == schema::HashFunction_SipHash24 || crossed;
    const std::uint64_t most = wide ? UINT64_MAX : its->function() == schema::HashFunction_Murmur3 ? UINT32_MAX : 0;
    if (its->seed() > most) return damaged(nullptr, "features[%].vocabulary.hashing.seed: %", index, its->seed());
    const std::uint64_t buckets = num_buckets(vocabulary), end = its->first_id() + buckets;
    if (its->rule() == schema::BucketRule_Signed && buckets % 2 != 0) {
      return damaged(nullptr, "features[%].vocabulary: % buckets, expected an even number", index, buckets);
    }
    return ((has_keys || buckets != 0) && end <= num_ids) ||
           damaged(nullptr, "features[%].vocabulary: ids % to %, of %", index, its->first_id(), end, num_ids);
  }

  bool date(const schema::Vocabulary& vocabulary, uoffset_t index, std::uint32_t num_ids) const {
    constexpr std::int32_t kDay = 86400;
    if (vocabulary.date_part() > schema::DatePart_MAX) {
      return unsupported(nullptr, "features[%].vocabulary.date_part: %", index, vocabulary.date_part());
    }
    const std::int32_t offset = vocabulary.date_offset();
    const std::uint64_t end = std::uint64_t{vocabulary.first_id()} + vocabulary.size();
    return (vocabulary.size() == num_of(vocabulary.date_part()) && vocabulary.date_ticks() != 0 && end <= num_ids &&
            offset >= -kDay && offset <= kDay) ||
           damaged(nullptr, "features[%].vocabulary: not a date of % ids", index, num_ids);
  }

  bool parts(const schema::Hashing& hashing, uoffset_t index) const {
    const std::size_t count = size_of(hashing.parts());
    const bool joined = hashing.bytes() == schema::HashedBytes_Joined;
    const bool sound = count >= 2 && count <= schema::kMaxCrossed &&
                       (joined || (hashing.function() == schema::HashFunction_FarmHash64 && !hashing.mask())) &&
                       root_.features()->Get(index)->kind() == schema::FeatureKind_Sparse;
    if (!sound) return damaged(nullptr, "features[%].vocabulary.hashing.parts: % of a cross", index, count);
    for (uoffset_t i = 0; i < count; ++i) {
      const schema::HashedBytes bytes = hashing.parts()->Get(i)->bytes();
      if (bytes == schema::HashedBytes_Text || (bytes == schema::HashedBytes_Int64 && !joined)) continue;
      return unsupported(nullptr, "features[%].vocabulary.hashing.parts[%].bytes: %", index, i, bytes);
    }
    return true;
  }

  bool vocabulary(const schema::Vocabulary& vocabulary, uoffset_t index, std::uint32_t num_ids) const {
    if (vocabulary.kind() > schema::VocabularyKind_MAX) {
      return unsupported(nullptr, "features[%].vocabulary.kind: %", index, vocabulary.kind());
    }
    if (!kHasHash && vocabulary.hashing()) {
      return unsupported(nullptr, "features[%].vocabulary: hash buckets are not in this build", index);
    }
    const std::uint64_t size = vocabulary.size();
    bool sound = size <= num_ids;
    if (!kHasBins && vocabulary.kind() == schema::VocabularyKind_Bins) {
      return unsupported(nullptr, "features[%].vocabulary: bins are not in this build", index);
    }
    if (!kHasDates && vocabulary.kind() == schema::VocabularyKind_Date) {
      return unsupported(nullptr, "features[%].vocabulary: dates are not in this build", index);
    }
    if (kHasHash && vocabulary.kind() == schema::VocabularyKind_Hash) {
      if (!hashing(vocabulary, index, num_ids)) return false;
    } else if (kHasDates && vocabulary.kind() == schema::VocabularyKind_Date) {
      if (!date(vocabulary, index, num_ids)) return false;
    } else if (kHasBins && vocabulary.kind() == schema::VocabularyKind_Bins) {
      if (vocabulary.side() > schema::BoundSide_MAX) {
        return unsupported(nullptr, "features[%].vocabulary.side: %", index, vocabulary.side());
      }
      sound = size > 1 && is_tensor(vocabulary.ids(), schema::DType_U32, size) &&
              (is_tensor(vocabulary.keys(), schema::DType_F32, size - 1) ||
               is_tensor(vocabulary.keys(), schema::DType_F64, size - 1));
    } else if (vocabulary.kind() != schema::VocabularyKind_Identity) {
      const bool strings = vocabulary.kind() == schema::VocabularyKind_Strings;
      const schema::Tensor* keys = tensor_at(root_, vocabulary.keys());
      const bool large = keys && keys->dtype() == schema::DType_U64;
      const schema::DType type = strings ? schema::DType_U8 : large ? schema::DType_U64 : schema::DType_I64;
      sound = is_tensor(vocabulary.ids(), schema::DType_U32, size) &&
              is_tensor(vocabulary.buckets(), schema::DType_U32, size + 1) &&
              is_tensor(vocabulary.keys(), type, strings ? kAnySize : size) &&
              (!strings || is_tensor(vocabulary.offsets(), schema::DType_U64, size + 1));
      if (kHasHash && !hashing(vocabulary, index, num_ids)) return false;
    }
    if (!sound) return damaged(nullptr, "features[%].vocabulary: wrong tensors or size", index);
    if (vocabulary.unknown() > schema::UnknownRule_MAX) {
      return unsupported(nullptr, "features[%].vocabulary.unknown: %", index, vocabulary.unknown());
    }
    return vocabulary.unknown() != schema::UnknownRule_Id || vocabulary.unknown_id() < num_ids ||
           damaged(nullptr, "features[%].vocabulary.unknown_id: % of %", index, vocabulary.unknown_id(), num_ids);
  }
};

}  // namespace

bool verify_tensors(const schema::Model& root, std::uint64_t header_bytes, std::uint64_t file_bytes, Error& error) {
  return TensorVerifier(root, error).run(header_bytes, file_bytes);
}

bool verify_features(const schema::Model& root, Error& error) { return FeatureVerifier(root, error).run(); }

}  // namespace mmoe::internal
