// libFuzzer: any bytes are weights that can be read, or a ConvertError.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "converter/error.h"
#include "converter/importers/weight_source.h"

namespace {

void read_all(const mmoe::converter::WeightSource& source) {
  for (size_t i = 0; i < source.tensors().size(); ++i) {
    try {
      if (source.read(i).size() != source.tensors()[i].num_elements()) __builtin_trap();
    } catch (const mmoe::converter::ConvertError&) {
    }
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  try {
    read_all(*mmoe::converter::parse_weights("fuzz", {reinterpret_cast<const char*>(data), size}));
  } catch (const mmoe::converter::ConvertError&) {
  }
  return 0;
}
