// Choices out of a fuzzer's bytes: what comes when they are used up is 0, so that a short input is a small model.
#pragma once

#include <cstddef>
#include <cstdint>
#include <initializer_list>

namespace mmoe::fuzz {

class ByteSource {
 public:
  ByteSource(const std::uint8_t* data, std::size_t size) : data_(data), end_(data + size) {}

  std::uint8_t byte() { return data_ == end_ ? std::uint8_t{0} : *data_++; }
  /// In [0, bound). REQUIRES: bound is 1 to 65,536.
  std::size_t below(std::size_t bound) {
    std::size_t value = byte();
    if (bound > 256) value = value << 8 | byte();
    return value % bound;
  }
  std::size_t between(std::size_t low, std::size_t high) { return low + below(high - low + 1); }
  /// True for `share` of 256 bytes, and not for 0.
  bool chance(std::size_t share) { return byte() > 255 - share; }
  template <class T>
  T pick(std::initializer_list<T> values) {
    return values.begin()[below(values.size())];
  }
  bool empty() const { return data_ == end_; }

 private:
  const std::uint8_t* data_;
  const std::uint8_t* end_;
};

}  // namespace mmoe::fuzz
