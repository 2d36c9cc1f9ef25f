// The order of a vocabulary's keys in the file.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

#include "converter/model/model.h"

namespace mmoe::converter {

/// Keys by bucket, as schema/mmoe.fbs says, and those of a bucket in their order: there are as many buckets as keys.
/// 8 bytes for each key.
struct KeyOrder {
  std::vector<uint32_t> positions;  ///< [keys]: the position of each key in the vocabulary
  std::vector<uint32_t> starts;     ///< [buckets + 1]
};

/// Takes 4 bytes for each key beside the result. REQUIRES: less than 2^32 keys.
KeyOrder order_keys(const Vocabulary& vocabulary);

/// The first key that is there already: its position, and that of the same key before it.
std::optional<std::pair<size_t, size_t>> find_duplicate(const Vocabulary& vocabulary, const KeyOrder& order);

/// Throws ConvertError where a bucket has more keys than a reader looks at. With keys that nobody has chosen for that,
/// it does not happen: of n keys, about n / 10^91 buckets have so many.
void check_buckets(const KeyOrder& order);

}  // namespace mmoe::converter
