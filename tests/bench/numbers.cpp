#include "tests/bench/numbers.h"

#include <iterator>

namespace mmoe::bench {
namespace {

constexpr const char* kNames[] = {"f32", "f16", "f16-sums", "bf16", "i8", "w8a8"};
constexpr const char* kGroupNames[] = {"f32", "16 bits", "8 bits"};
static_assert(std::size(kNames) == kNumNumbers, "a name for each");

}  // namespace

const char* name_of(Numbers numbers) { return kNames[static_cast<int>(numbers)]; }
const char* name_of(Group group) { return kGroupNames[static_cast<int>(group)]; }

std::vector<std::string> all_numbers() { return {std::begin(kNames), std::end(kNames)}; }

}  // namespace mmoe::bench
