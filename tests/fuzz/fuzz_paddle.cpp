// libFuzzer: any bytes are a pickle of arrays that can be read, or a ConvertError.
#include "converter/importers/pickled_arrays.h"
#include "tests/fuzz/read_all.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace mmoe::converter;
  return fuzz::read_all(data, size, [](std::string_view bytes) { return open_pickled_arrays("fuzz", bytes); });
}
