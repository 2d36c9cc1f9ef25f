#include "converter/reading/key_order.h"

#include <algorithm>
#include <string>
#include <string_view>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "converter/error.h"
#include "converter/model/limits.h"

namespace mmoe::converter {
namespace {

// The bytes that are hashed.
class KeyBytes {
 public:
  explicit KeyBytes(const Vocabulary& vocabulary)
      : strings_(std::get_if<StringList>(&vocabulary.keys)),
        integers_(std::get_if<std::vector<int64_t>>(&vocabulary.keys)) {}

  size_t size() const { return strings_ != nullptr ? strings_->size() : integers_->size(); }

  std::string_view operator[](size_t index) const {
    if (strings_ != nullptr) return (*strings_)[index];
    return {reinterpret_cast<const char*>(integers_->data() + index), sizeof(int64_t)};
  }

 private:
  const StringList* strings_;
  const std::vector<int64_t>* integers_;
};

uint32_t bucket_of(std::string_view key, size_t num_buckets) {
  const uint64_t hash = XXH64(key.data(), key.size(), 0);
  return static_cast<uint32_t>((hash >> 32) * num_buckets >> 32);
}

}  // namespace

// A counting sort.
KeyOrder order_keys(const Vocabulary& vocabulary) {
  const KeyBytes keys(vocabulary);
  const size_t num_buckets = std::max<size_t>(1, keys.size());
  std::vector<uint32_t> buckets(keys.size());
  KeyOrder order;
  order.starts.resize(num_buckets + 1);
  for (size_t i = 0; i < keys.size(); ++i) {
    buckets[i] = bucket_of(keys[i], num_buckets);
    ++order.starts[buckets[i]];
  }
  uint32_t end = 0;
  for (uint32_t& start : order.starts) start = end += start;  // for now: where the bucket ends
  order.positions.resize(keys.size());
  for (size_t i = keys.size(); i-- > 0;) order.positions[--order.starts[buckets[i]]] = static_cast<uint32_t>(i);
  return order;
}

std::optional<std::pair<size_t, size_t>> find_duplicate(const Vocabulary& vocabulary, const KeyOrder& order) {
  const KeyBytes keys(vocabulary);
  std::optional<std::pair<size_t, size_t>> first;
  for (size_t bucket = 0; bucket + 1 < order.starts.size(); ++bucket) {
    const size_t begin = order.starts[bucket];
    const size_t end = std::min<size_t>(order.starts[bucket + 1], begin + schema::kMaxBucketKeys + 1);
    for (size_t i = begin; i < end; ++i) {
      for (size_t j = begin; j < i; ++j) {
        const size_t later = order.positions[i], earlier = order.positions[j];
        if ((!first || later < first->first) && keys[later] == keys[earlier]) first = {later, earlier};
      }
    }
  }
  return first;
}

void check_buckets(const KeyOrder& order) {
  for (size_t bucket = 0; bucket + 1 < order.starts.size(); ++bucket) {
    const uint32_t count = order.starts[bucket + 1] - order.starts[bucket];
    if (count <= schema::kMaxBucketKeys) continue;
    throw ConvertError(std::to_string(count) + " keys have hashes (XXH64) that share one bucket, at most " +
                       std::to_string(schema::kMaxBucketKeys) + " may; were they made to collide?");
  }
}

}  // namespace mmoe::converter
