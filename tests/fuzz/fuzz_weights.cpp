// libFuzzer: any bytes are weights that can be read, or a ConvertError. Whatever the format; the seeds are
// safetensors' and PyTorch's.
#include "tests/fuzz/read_all.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace mmoe::converter;
  return fuzz::read_all(data, size, [](std::string_view bytes) { return parse_weights("fuzz", bytes); });
}
