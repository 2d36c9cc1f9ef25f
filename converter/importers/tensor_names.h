// What every format's tensor names must be.
#pragma once

#include <string>
#include <string_view>
#include <unordered_set>

namespace mmoe::converter {

/// Whether `text` is made of UTF-8 sequences of the right length, as what later writes the name expects.
bool is_utf8(std::string_view text);

/// The names seen so far.
class TensorNames {
 public:
  /// Throws ConvertError when the name is not UTF-8 or was added before.
  void add(std::string_view name);

 private:
  std::unordered_set<std::string> names_;
};

}  // namespace mmoe::converter
