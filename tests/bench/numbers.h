// The types of numbers that engines of the comparison compute with.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

namespace mmoe::bench {

/// What an engine rounds weights to, and the inputs of layers.
enum class Numbers {
  kF32,
  kF16,      ///< weights in f16; inputs in f16 or f32, sums in f32
  kF16Sums,  ///< all of f16: weights, inputs, and every sum is rounded to it
  kBf16,     ///< weights in bf16; inputs in bf16 or f32, sums in f32
  kI8,       ///< weights in 8 bits, inputs in f32
  kW8a8      ///< weights and inputs in 8 bits
};
constexpr std::size_t kNumNumbers = 6;

/// "f32", "f16", "f16-sums", ...
const char* name_of(Numbers numbers);
std::vector<std::string> all_numbers();

/// Engines are compared within a group, since each of them is paid for by accuracy of its own kind.
enum class Group { kF32, kSixteenBits, kEightBits };

/// "f32", "16 bits", "8 bits"
const char* name_of(Group group);

constexpr Group group_of(Numbers numbers) {
  if (numbers == Numbers::kF32) return Group::kF32;
  return numbers == Numbers::kI8 || numbers == Numbers::kW8a8 ? Group::kEightBits : Group::kSixteenBits;
}

}  // namespace mmoe::bench
