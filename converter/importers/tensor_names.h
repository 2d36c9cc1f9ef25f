// What every format's tensor names must be.
#pragma once

#include <string>
#include <string_view>
#include <unordered_set>

namespace mmoe::converter {

/// The names seen so far.
class TensorNames {
 public:
  /// Throws ConvertError when the name is not UTF-8 or was added before.
  void add(std::string_view name);

 private:
  std::unordered_set<std::string> names_;
};

}  // namespace mmoe::converter
