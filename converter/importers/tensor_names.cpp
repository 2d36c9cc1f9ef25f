#include "converter/importers/tensor_names.h"

#include "converter/error.h"
#include "converter/importers/messages.h"
#include "runtime/tools/support/utf8.h"

namespace mmoe::converter {

void TensorNames::add(std::string_view name) {
  if (!tools::is_utf8(name)) throw ConvertError("tensor " + in_quotes(name) + ": its name is not UTF-8");
  if (!names_.emplace(name).second) throw ConvertError("tensor " + in_quotes(name) + " occurs twice");
}

}  // namespace mmoe::converter
