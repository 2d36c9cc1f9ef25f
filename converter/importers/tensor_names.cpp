#include "converter/importers/tensor_names.h"

#include "converter/error.h"
#include "converter/importers/messages.h"

namespace mmoe::converter {

bool is_utf8(std::string_view text) {
  size_t continuation = 0;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    const bool continues = (byte & 0xc0) == 0x80;
    if (continues != (continuation > 0)) return false;
    if (continues) {
      --continuation;
    } else if (byte >= 0xf8) {
      return false;
    } else if (byte >= 0xc0) {
      continuation = byte >= 0xf0 ? 3 : byte >= 0xe0 ? 2 : 1;
    }
  }
  return continuation == 0;
}

void TensorNames::add(std::string_view name) {
  if (!is_utf8(name)) throw ConvertError("tensor " + in_quotes(name) + ": its name is not UTF-8");
  if (!names_.emplace(name).second) throw ConvertError("tensor " + in_quotes(name) + " occurs twice");
}

}  // namespace mmoe::converter
