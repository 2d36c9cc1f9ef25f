// Many strings, one behind the other: of a vocabulary that may have millions.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace mmoe::converter {

/// Bytes that stay as long as their owner does, such as those of a mapped file.
struct SharedBytes {
  std::shared_ptr<const void> owner;
  std::string_view bytes;
};

/// Takes 8 bytes for each string beside the strings' own. Copies share both, and nobody changes them.
class StringList {
 public:
  StringList() = default;

  StringList(const std::vector<std::string>& strings) {  // NOLINT: implicit
    auto all = std::make_shared<std::string>();
    std::vector<uint64_t> starts{0};
    for (const std::string& string : strings) {
      all->append(string);
      starts.push_back(all->size());
    }
    const std::string_view bytes = *all;
    *this = StringList({std::move(all), bytes}, std::move(starts), 0);
  }

  /// String i has the bytes from starts[i] to starts[i + 1], but for the last `gap` of them, such as the end of a line.
  /// REQUIRES: starts ascend by `gap` at least; the last one is at most `gap` behind the bytes.
  StringList(SharedBytes bytes, std::vector<uint64_t> starts, size_t gap)
      : bytes_(std::move(bytes)),
        starts_(std::make_shared<const std::vector<uint64_t>>(std::move(starts))),
        gap_(gap) {}

  size_t size() const { return starts_ == nullptr ? 0 : starts_->size() - 1; }

  std::string_view operator[](size_t index) const {
    const uint64_t begin = (*starts_)[index], end = (*starts_)[index + 1] - gap_;
    return bytes_.bytes.substr(static_cast<size_t>(begin), static_cast<size_t>(end - begin));
  }

 private:
  SharedBytes bytes_;
  std::shared_ptr<const std::vector<uint64_t>> starts_;
  size_t gap_ = 0;
};

}  // namespace mmoe::converter
