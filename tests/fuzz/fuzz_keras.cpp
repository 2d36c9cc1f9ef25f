// libFuzzer: any bytes are a Keras file whose tensors can be read, or a ConvertError; and any bytes as a model's
// config name the tensors of a file.
//
// The HDF5 library, which hostile files may crash, runs in a child process. That is where it may crash: only the
// parent's death is a finding, so the child does not inherit what the fuzzer does on one.
#include <pthread.h>
#include <sanitizer/common_interface_defs.h>

#include <string>

#include "converter/importers/keras_names.h"
#include "converter/importers/keras_source.h"
#include "converter/importers/zip_archive.h"
#include "tests/fuzz/read_all.h"

namespace {

using namespace mmoe::converter;

void check_names(std::string_view config) {
  KerasFile file;
  file.config = config;
  for (const char* layer : {"dense", "dense_1", "dense_2", "batch_normalization", "experts"}) {
    for (const char* variable : {"/vars/0", "/vars/1"}) {
      file.paths.push_back(std::string("layers/") + layer + variable);
      file.shapes.push_back({2});
    }
  }
  const KerasNames names = name_keras_tensors(file);
  if (names.tensors.size() != file.paths.size()) __builtin_trap();
  for (const TensorAlias& alias : names.aliases) {
    if (alias.tensor >= names.tensors.size()) __builtin_trap();
  }
}

}  // namespace

extern "C" int LLVMFuzzerInitialize(int*, char***) {
  return pthread_atfork(nullptr, nullptr, [] { __sanitizer_set_death_callback(nullptr); });
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size > 0 && data[0] == '{') {
    check_names({reinterpret_cast<const char*>(data), size});
    return 0;
  }
  return fuzz::read_all(data, size, [](std::string_view bytes) {
    return looks_like_zip(bytes) ? open_keras_archive("fuzz", bytes) : open_keras_h5("fuzz", bytes);
  });
}
