#include "model/vocabulary.h"

#include "model/access.h"
#include "model/hashing.h"

namespace mmoe::internal {
namespace {

template <class T>
const T* elements(const void* file, std::int32_t tensor) {
  return static_cast<const T*>(ModelAccess::tensor(file, static_cast<std::size_t>(tensor)));
}

std::int32_t id_at(const void* file, const schema::Vocabulary& vocabulary, std::size_t position) {
  const std::uint32_t id = elements<std::uint32_t>(file, vocabulary.ids())[position];
  return id <= INT32_MAX ? static_cast<std::int32_t>(id) : Model::kUnknownId;
}

// Position of the first key that is not less than the value.
template <class Less>
std::size_t lower_bound(std::size_t size, Less key_is_less) {
  std::size_t first = 0;
  while (size > 0) {
    const std::size_t half = size / 2;
    if (key_is_less(first + half)) {
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
  const std::uint64_t* offsets = elements<std::uint64_t>(file, vocabulary.offsets());
  const char* keys = elements<char>(file, vocabulary.keys());
  const std::uint64_t keys_bytes =
      ModelAccess::root(file)->tensors()->Get(static_cast<flatbuffers::uoffset_t>(vocabulary.keys()))->bytes();
  const auto key = [&](std::size_t i) {
    const std::uint64_t begin = offsets[i];
    const std::uint64_t end = offsets[i + 1];
    if (begin > end || end > keys_bytes) return std::string_view();
    return std::string_view(keys + begin, static_cast<std::size_t>(end - begin));
  };
  const std::size_t at = lower_bound(vocabulary.size(), [&](std::size_t i) { return key(i) < value; });
  return at < vocabulary.size() && key(at) == value ? id_at(file, vocabulary, at) : Model::kUnknownId;
}

std::int32_t find_integer(const void* file, const schema::Vocabulary& vocabulary, std::int64_t value) {
  if constexpr (kHasHash) {
    if (vocabulary.kind() == schema::VocabularyKind_Hash) return hashed_id(vocabulary, value);
  }
  if constexpr (kHasBins) {
    if (takes_numbers(vocabulary)) return find_bin(file, vocabulary, static_cast<double>(value));
  }
  if (vocabulary.kind() == schema::VocabularyKind_Identity) {
    return value >= 0 && value < static_cast<std::int64_t>(vocabulary.size()) ? static_cast<std::int32_t>(value)
                                                                              : Model::kUnknownId;
  }
  const std::int64_t* keys = elements<std::int64_t>(file, vocabulary.keys());
  const std::size_t at = lower_bound(vocabulary.size(), [&](std::size_t i) { return keys[i] < value; });
  return at < vocabulary.size() && keys[at] == value ? id_at(file, vocabulary, at) : Model::kUnknownId;
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
