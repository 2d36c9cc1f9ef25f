// How much a weights file may unpack to.
#pragma once

#include <cstdint>

namespace mmoe::converter {

constexpr uint64_t kMiB = uint64_t{1} << 20;

/// The most bytes that all tensors of a file may have together once they are unpacked, and that an archive's entry may:
/// half precision doubles, tied weights are there twice, tables that training has hardly touched are mostly zeros and
/// pack well; but a file of some kilobytes must not fill memory or disk.
constexpr uint64_t most_unpacked_bytes(uint64_t file_bytes) {
  constexpr uint64_t kTimes = 64, kAlways = 64 * kMiB;
  return file_bytes > (~uint64_t{0} - kAlways) / kTimes ? ~uint64_t{0} : kTimes * file_bytes + kAlways;
}

}  // namespace mmoe::converter
