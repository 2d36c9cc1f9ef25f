#include "model/vocabulary.h"

#include "core/xxh64.h"
#include "model/access.h"
#include "model/dates.h"
#include "model/hashing.h"

namespace mmoe::internal {
namespace {

const schema::Tensor& tensor_of(const void* file, std::int32_t index) {
  return *ModelAccess::root(file)->tensors()->Get(static_cast<flatbuffers::uoffset_t>(index));
}

template <class T>
const T* elements(const void* file, std::int32_t tensor) {
  return static_cast<const T*>(ModelAccess::tensor(file, static_cast<std::size_t>(tensor)));
}

std::int32_t id_at(const void* file, const schema::Vocabulary& vocabulary, std::size_t position) {
  const std::uint32_t id = elements<std::uint32_t>(file, vocabulary.ids())[position];
  return id <= INT32_MAX ? static_cast<std::int32_t>(id) : Model::kUnknownId;
}

// Among the keys of the value's bucket. `offsets`: of strings; null: keys of 8 bytes.
std::int32_t find(const void* file, const schema::Vocabulary& vocabulary, const std::uint64_t* offsets,
                  std::string_view value) {
  if (vocabulary.size() == 0) return Model::kUnknownId;  // it has no bucket
  const std::uint64_t bucket = (xxh64(value.data(), value.size()) >> 32) * vocabulary.size() >> 32;
  const std::uint32_t* starts = elements<std::uint32_t>(file, vocabulary.buckets()) + bucket;
  const std::uint32_t first = starts[0], last = starts[1];
  if (last > vocabulary.size() || last - first > schema::kMaxBucketKeys) return Model::kUnknownId;
  const char* keys = elements<char>(file, vocabulary.keys());
  const std::uint64_t keys_bytes = tensor_of(file, vocabulary.keys()).bytes();
  for (std::size_t i = first; i < last; ++i) {
    const std::uint64_t begin = offsets ? offsets[i] : std::uint64_t{i} * sizeof(std::int64_t);
    const std::uint64_t end = offsets ? offsets[i + 1] : begin + sizeof(std::int64_t);
    if (begin > end || end > keys_bytes || end - begin != value.size()) continue;
    if (std::string_view(keys + begin, value.size()) == value) return id_at(file, vocabulary, i);
  }
  return Model::kUnknownId;
}

// Position of the first of `size` elements that is not less than the value.
template <class Less>
std::size_t lower_bound(std::size_t size, Less is_less) {
  std::size_t first = 0;
  while (size > 0) {
    const std::size_t half = size / 2;
    if (is_less(first + half)) {
      first += half + 1;
      size -= half + 1;
    } else {
      size = half;
    }
  }
  return first;
}

// How many of the bounds are below the value, or equal to it where that is the bin above.
template <class Bound>
std::size_t count_below(const void* file, const schema::Vocabulary& vocabulary, Bound value) {
  const Bound* bounds = elements<Bound>(file, vocabulary.keys());
  const bool right = vocabulary.side() == schema::BoundSide_Right;
  return lower_bound(vocabulary.size() - 1,
                     [&](std::size_t i) { return right ? bounds[i] <= value : bounds[i] < value; });
}

}  // namespace

std::int32_t find_string(const void* file, const schema::Vocabulary& vocabulary, std::string_view value) {
  if constexpr (kHasHash) {
    if (vocabulary.kind() == schema::VocabularyKind_Hash) return hashed_id(vocabulary, value);
  }
  const std::int32_t id = find(file, vocabulary, elements<std::uint64_t>(file, vocabulary.offsets()), value);
  if constexpr (kHasHash) {
    if (id == Model::kUnknownId && hashes_others(vocabulary)) return hashed_id(vocabulary, value);
  }
  return id;
}

std::int32_t find_integer(const void* file, const schema::Vocabulary& vocabulary, std::int64_t value,
                          bool is_unsigned) {
  if constexpr (kHasHash) {
    if (vocabulary.kind() == schema::VocabularyKind_Hash) return hashed_id(vocabulary, value, is_unsigned);
  }
  if constexpr (kHasBins) {
    if (takes_numbers(vocabulary)) {
      const double number =
          is_unsigned ? static_cast<double>(static_cast<std::uint64_t>(value)) : static_cast<double>(value);
      return find_bin(file, vocabulary, number);
    }
  }
  if constexpr (kHasDates) {
    if (vocabulary.kind() == schema::VocabularyKind_Date) return find_date(vocabulary, value, is_unsigned);
  }
  if (vocabulary.kind() == schema::VocabularyKind_Identity) {
    return value >= 0 && value < static_cast<std::int64_t>(vocabulary.size()) ? static_cast<std::int32_t>(value)
                                                                              : Model::kUnknownId;
  }
  const bool keys_are_unsigned = tensor_of(file, vocabulary.keys()).dtype() == schema::DType_U64;
  std::int32_t id = Model::kUnknownId;
  if (value >= 0 || is_unsigned == keys_are_unsigned) {
    id = find(file, vocabulary, nullptr, {reinterpret_cast<const char*>(&value), sizeof value});
  }
  if constexpr (kHasHash) {
    if (id == Model::kUnknownId && hashes_others(vocabulary)) return hashed_id(vocabulary, value, is_unsigned);
  }
  return id;
}

std::size_t num_categories(const schema::Vocabulary& vocabulary) {
  return vocabulary.kind() <= schema::VocabularyKind_Integers ? vocabulary.size() : 0;  // others compute ids
}

Category category_at(const void* file, const schema::Vocabulary& vocabulary, std::size_t place) {
  if (vocabulary.kind() == schema::VocabularyKind_Identity) {
    return {{}, static_cast<std::int64_t>(place), false, static_cast<std::int32_t>(place)};
  }
  const schema::Tensor& keys = tensor_of(file, vocabulary.keys());
  const std::int32_t id = id_at(file, vocabulary, place);
  if (vocabulary.kind() == schema::VocabularyKind_Integers) {
    return {{}, elements<std::int64_t>(file, vocabulary.keys())[place], keys.dtype() == schema::DType_U64, id};
  }
  const std::uint64_t* offsets = elements<std::uint64_t>(file, vocabulary.offsets()) + place;
  if (offsets[0] > offsets[1] || offsets[1] > keys.bytes()) return {{}, 0, false, Model::kUnknownId};
  return {{elements<char>(file, vocabulary.keys()) + offsets[0], static_cast<std::size_t>(offsets[1] - offsets[0])},
          0,
          false,
          id};
}

#ifndef MMOE_NO_BINS

std::int32_t find_bin(const void* file, const schema::Vocabulary& vocabulary, double value) {
  if (!takes_numbers(vocabulary) || value != value) return Model::kUnknownId;
  const auto keys = static_cast<flatbuffers::uoffset_t>(vocabulary.keys());
  const bool narrow = ModelAccess::root(file)->tensors()->Get(keys)->dtype() == schema::DType_F32;
  return id_at(
      file, vocabulary,
      narrow ? count_below(file, vocabulary, static_cast<float>(value)) : count_below(file, vocabulary, value));
}

#endif

}  // namespace mmoe::internal
