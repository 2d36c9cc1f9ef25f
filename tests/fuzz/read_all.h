// What the fuzzers of importers do with a file: open it and read every tensor.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "converter/error.h"
#include "converter/importers/open_weights.h"

namespace mmoe::converter::fuzz {

/// `open(bytes)` gives the source. Anything but tensors of the size they say, or a ConvertError, ends the fuzzer.
template <typename Open>
int read_all(const uint8_t* data, size_t size, Open open) {
  try {
    const auto source = open(std::string_view(reinterpret_cast<const char*>(data), size));
    for (size_t i = 0; i < source->tensors().size(); ++i) {
      try {
        if (source->read(i).size() != source->tensors()[i].num_elements()) __builtin_trap();
      } catch (const ConvertError&) {
      }
    }
  } catch (const ConvertError&) {
  }
  return 0;
}

}  // namespace mmoe::converter::fuzz
