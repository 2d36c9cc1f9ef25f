#include "converter/recipes/copies.h"

#include <algorithm>
#include <cstring>
#include <vector>

namespace mmoe::converter {

namespace {

constexpr uint64_t kElementsAtOnce = 65536;

// A tensor's other names stand behind all first ones.
size_t source_of(const WeightSource& weights, size_t name) {
  const size_t count = weights.tensors().size();
  return name < count ? name : weights.aliases()[name - count].tensor;
}

}  // namespace

bool are_copies(const WeightSource& weights, const NameIndex& names, size_t one, size_t other) {
  const size_t first = source_of(weights, one), second = source_of(weights, other);
  if (first == second) return true;
  if (names.shape(one) != names.shape(other)) return false;
  const uint64_t total = weights.tensors()[first].num_elements();
  const uint64_t room = std::min(total, kElementsAtOnce);
  std::vector<float> a(room), b(room);
  for (uint64_t at = 0; at < total; at += kElementsAtOnce) {
    const uint64_t count = std::min(total - at, kElementsAtOnce);
    weights.read(first, at, count, a.data());
    weights.read(second, at, count, b.data());
    if (std::memcmp(a.data(), b.data(), count * sizeof(float)) != 0) return false;
  }
  return true;
}

}  // namespace mmoe::converter
