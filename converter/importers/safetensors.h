// The safetensors format: an 8-byte little-endian header length, a JSON header, then the tensors' bytes.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "converter/importers/weight_source.h"

namespace mmoe::converter {

constexpr size_t kLengthBytes = 8;  ///< of the number before the header

/// Whether `bytes` begin like a safetensors file: eight bytes of a number that can be a header's length, then its '{'.
bool looks_like_safetensors(std::string_view bytes);

/// Reads the header and checks every tensor's extent; read() copies out of `bytes`, which must outlive the
/// source. Errors begin with `name`. Throws ConvertError.
std::unique_ptr<WeightSource> open_safetensors(std::string name, std::string_view bytes);

}  // namespace mmoe::converter
