// The converter's one exception: its message is written for the person who runs mmoe-convert.
#pragma once

#include <stdexcept>

namespace mmoe::converter {

/// What went wrong and with what: names the file, tensor, feature or description field, what was found and
/// what was expected.
class ConvertError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

}  // namespace mmoe::converter
