// How untrusted text from a weights file is shown in a message.
#pragma once

#include <string>
#include <string_view>

#include "runtime/tools/support/printable.h"

namespace mmoe::converter {

/// `text` in single quotes, printable (a name must not drive the user's terminal), and cut after 120 bytes.
inline std::string in_quotes(std::string_view text) { return tools::printable_in_quotes(text, 120); }

/// Why read() refuses a tensor that is not of a floating-point type.
inline std::string unreadable_message(std::string_view tensor, std::string_view dtype) {
  return "tensor " + in_quotes(tensor) + " is of type " + std::string(dtype) + "; expected f64, f32, f16 or bf16";
}

}  // namespace mmoe::converter
