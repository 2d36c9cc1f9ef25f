// libFuzzer: any bytes are NumPy arrays that can be read, or a ConvertError.
#include "converter/importers/numpy_source.h"
#include "converter/importers/zip_archive.h"
#include "tests/fuzz/read_all.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace mmoe::converter;
  return fuzz::read_all(data, size, [](std::string_view bytes) {
    return looks_like_zip(bytes) ? open_npz("fuzz", bytes) : open_npy("fuzz", bytes);
  });
}
