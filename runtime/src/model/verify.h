// The one place where untrusted bytes are checked. What passes may be read without further checks.
#pragma once

#include <cstddef>

#include "mmoe/error.h"

namespace mmoe::internal {

/// Checks the file's structure, cheapest first: size, header, FlatBuffers verifier, version, then every
/// index, dimension, offset and product (verify_contents). Never reads the weights.
/// REQUIRES: data is aligned to Model::kAlignment.
Status verify_model(const void* data, std::size_t size);

}  // namespace mmoe::internal
