#include "mmoe/model.h"

#include <cstring>

#include "core/file_mapping.h"
#include "core/heap.h"
#include "core/make_error.h"
#include "core/xxh64.h"
#include "model/access.h"
#include "model/hashing.h"
#include "model/parts.h"
#include "model/verify.h"
#include "model/vocabulary.h"

namespace mmoe {

using internal::make_error;
using internal::ModelAccess;
using internal::size_of;
using internal::text_of;

namespace {

using flatbuffers::uoffset_t;

const schema::Model& root_of(const Model& model) { return *ModelAccess::root(model); }

// A feature's first column in x: its own order among the features, where the file has the shared ones first.
std::size_t column_in_x(const schema::Model& root, std::size_t index) {
  const auto place = static_cast<uoffset_t>(index);
  if (root.shared_dim() == 0) return root.features()->Get(place)->column();
  std::size_t column = 0;
  for (uoffset_t i = 0; i < place; ++i) column += root.features()->Get(i)->width();
  return column;
}

Status verify(const Model& model, const LoadOptions& options) {
  if (Status status = internal::verify_model(model.data(), model.size_bytes(), options.verify_header); !status) {
    return status;
  }
  return options.verify_checksums ? model.verify_checksums() : Status();
}

// "ranker.mmoe: " before the message of an error.
Error with_path(const char* path, const Error& error) { return make_error(error.code(), path, ": ", error.message()); }

std::uint64_t all_bytes(const unsigned char*) { return UINT64_MAX; }

}  // namespace

Result<Model> Model::map(const char* path, const LoadOptions& options) {
  if (!path) return make_error(ErrorCode::kInvalidArgument, "path: null");
  const auto private_bytes = options.copy ? all_bytes : internal::claimed_header_bytes;
  Result<internal::FileMapping> mapping = internal::map_file(path, private_bytes);
  if (!mapping) return mapping.error();
  Model model(mapping->data, mapping->size, Ownership::kMapped, mapping->file);
  if (Status status = verify(model, options); !status) return with_path(path, status.error());
  return model;
}

Result<Model> Model::from_bytes(const void* data, std::size_t size, const LoadOptions& options) {
  if (!data) return make_error(ErrorCode::kInvalidArgument, "data: null");
  Ownership ownership = Ownership::kBorrowed;
  const std::size_t excess = reinterpret_cast<std::uintptr_t>(data) % kAlignment;
  if (options.copy || excess != 0) {
    if (!options.copy && !options.copy_if_misaligned) {
      return make_error(ErrorCode::kMisaligned, "data: address is ", excess, " bytes past a multiple of ", kAlignment);
    }
    void* copy = internal::allocate_aligned(size);
    if (!copy) return make_error(ErrorCode::kOutOfMemory, "no memory for a copy of ", size, " bytes");
    std::memcpy(copy, data, size);
    data = copy;
    ownership = Ownership::kAllocated;
  }
  Model model(data, size, ownership);
  if (Status status = verify(model, options); !status) return status.error();
  return model;
}

Model::Model(Model&& other) noexcept
    : data_(other.data_), size_(other.size_), file_(other.file_), ownership_(other.ownership_) {
  other.ownership_ = Ownership::kBorrowed;
}

Model& Model::operator=(Model&& other) noexcept {
  if (this != &other) {
    release();
    data_ = other.data_;
    size_ = other.size_;
    file_ = other.file_;
    ownership_ = other.ownership_;
    other.ownership_ = Ownership::kBorrowed;
  }
  return *this;
}

Model::~Model() { release(); }

void Model::release() {
  if (ownership_ == Ownership::kMapped) internal::unmap_file({data_, size_, file_});
  if (ownership_ == Ownership::kAllocated) internal::release_aligned(const_cast<void*>(data_));
}

std::string_view Model::name() const { return text_of(root_of(*this).name()); }
std::string_view Model::architecture() const { return text_of(root_of(*this).architecture()); }
std::size_t Model::input_dim() const { return root_of(*this).input_dim(); }
std::size_t Model::user_dim() const { return root_of(*this).shared_dim(); }
std::size_t Model::candidate_dim() const { return user_dim() == 0 ? 0 : input_dim() - user_dim(); }
std::size_t Model::num_tasks() const { return root_of(*this).tasks()->size(); }
std::size_t Model::num_features() const { return internal::kHasFeatures ? size_of(root_of(*this).features()) : 0; }

std::string_view Model::task_name(std::size_t task) const {
  return text_of(root_of(*this).tasks()->Get(static_cast<uoffset_t>(task))->name());
}

std::size_t Model::find_task(std::string_view name) const {
  std::size_t task = 0;
  while (task < num_tasks() && task_name(task) != name) ++task;
  return task;
}

FeatureInfo Model::feature(std::size_t index) const {
  const schema::Feature& feature = *root_of(*this).features()->Get(static_cast<uoffset_t>(index));
  FeatureInfo info{};
  info.name = text_of(feature.name());
  info.source = feature.source() != nullptr ? text_of(feature.source()) : info.name;
  info.kind = static_cast<FeatureKind>(feature.kind());
  info.side = static_cast<Side>(feature.side());
  info.column = column_in_x(root_of(*this), index);
  info.width = feature.width();
  if (info.kind == FeatureKind::kDense) {
    const schema::Scaling* scaling = feature.scaling();
    const bool says = scaling && (scaling->missing() == scaling->missing() ||
                                  scaling->function() == schema::NumberFunction_IsMissing);
    info.refuses_missing = !says;
    return info;
  }
  info.length = info.kind == FeatureKind::kSequence ? feature.length() : 1;
  const schema::Vocabulary& vocabulary = *feature.vocabulary();
  const schema::Embedding& embedding = *root_of(*this).embeddings()->Get(static_cast<uoffset_t>(feature.embedding()));
  info.string_values = internal::takes_texts(vocabulary);
  info.number_values = internal::takes_numbers(vocabulary);
  info.hashed = internal::kHasHash && vocabulary.kind() == schema::VocabularyKind_Hash;
  info.weights = text_of(feature.weights());
  info.num_parts = internal::kHasHash ? internal::num_parts(vocabulary) : 1;
  info.num_values = vocabulary.size();
  info.num_ids = root_of(*this).tensors()->Get(embedding.table())->rows();
  info.refuses_unknown = vocabulary.unknown() == schema::UnknownRule_Error;
  return info;
}

std::string_view Model::crossed_column(std::size_t index, std::size_t part) const {
  const schema::Feature& feature = *root_of(*this).features()->Get(static_cast<uoffset_t>(index));
  return text_of(feature.vocabulary()->hashing()->parts()->Get(static_cast<uoffset_t>(part))->column());
}

std::size_t Model::find_feature(std::string_view name) const {
  std::size_t index = 0;
  while (index < num_features() &&
         text_of(root_of(*this).features()->Get(static_cast<uoffset_t>(index))->name()) != name) {
    ++index;
  }
  return index;
}

#ifdef MMOE_NO_FEATURES

std::int32_t Model::find_id(std::size_t, std::string_view) const { return kUnknownId; }
std::int32_t Model::find_integer(std::size_t, std::int64_t, bool) const { return kUnknownId; }
std::int32_t Model::find_bin(std::size_t, double) const { return kUnknownId; }
std::size_t Model::num_categories(std::size_t) const { return 0; }
Category Model::category(std::size_t, std::size_t) const { return {{}, 0, false, kUnknownId}; }

#else

std::int32_t Model::find_id(std::size_t index, std::string_view value) const {
  return internal::find_string(data_, *root_of(*this).features()->Get(static_cast<uoffset_t>(index))->vocabulary(),
                               value);
}

std::int32_t Model::find_integer(std::size_t index, std::int64_t value, bool is_unsigned) const {
  return internal::find_integer(data_, *root_of(*this).features()->Get(static_cast<uoffset_t>(index))->vocabulary(),
                                value, is_unsigned);
}

std::int32_t Model::find_bin(std::size_t index, double value) const {
#ifdef MMOE_NO_BINS
  static_cast<void>(index), static_cast<void>(value);
  return kUnknownId;
#else
  return internal::find_bin(data_, *root_of(*this).features()->Get(static_cast<uoffset_t>(index))->vocabulary(), value);
#endif
}

std::size_t Model::num_categories(std::size_t index) const {
  const schema::Vocabulary* vocabulary = root_of(*this).features()->Get(static_cast<uoffset_t>(index))->vocabulary();
  return vocabulary ? internal::num_categories(*vocabulary) : 0;
}

Category Model::category(std::size_t index, std::size_t place) const {
  return internal::category_at(data_, *root_of(*this).features()->Get(static_cast<uoffset_t>(index))->vocabulary(),
                               place);
}

#endif

GoldenRows Model::golden_rows() const {
  const schema::GoldenRows* golden = root_of(*this).golden();
  if (!golden || golden->num_rows() == 0) return {};
  if (num_features() != size_of(root_of(*this).features())) return {};  // of features that this build cannot read
  GoldenRows rows{};
  rows.num_rows = golden->num_rows();
  rows.num_values = size_of(golden->values()) / rows.num_rows;
  rows.num_ids = size_of(golden->ids()) / rows.num_rows;
  rows.values = golden->values() ? golden->values()->data() : nullptr;
  rows.ids = golden->ids() ? golden->ids()->data() : nullptr;
  rows.scores = golden->scores()->data();
  rows.has_features = num_features() != 0;
  return rows;
}

Status Model::verify_checksums() const {
  const schema::Model& root = root_of(*this);
  const char* bytes = static_cast<const char*>(data_);
  const auto header = static_cast<uoffset_t>(root.header_checksum());
  if (header >= root.segments()->size() || root.segments()->Get(header)->offset() + sizeof(std::uint64_t) != size_) {
    return make_error(ErrorCode::kChecksum, "header_checksum: not at the end");
  }
  if (!internal::header_is_as_written(data_, size_)) {
    return make_error(ErrorCode::kChecksum, "the header is damaged");
  }
  for (uoffset_t i = 0; i < root.segments()->size(); ++i) {
    const schema::Segment& segment = *root.segments()->Get(i);
    if (i == header) continue;
    if (internal::xxh64(bytes + segment.offset(), static_cast<std::size_t>(segment.bytes())) != segment.xxh64()) {
      return make_error(ErrorCode::kChecksum, "segments[", i, "] (", text_of(segment.name()), "): wrong checksum");
    }
  }
  return {};
}

}  // namespace mmoe
