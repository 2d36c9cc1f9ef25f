// Checks of segments, tensors, vocabularies and features.
#pragma once

#include <cstdint>

#include "mmoe/error.h"
#include "schema/mmoe_generated.h"

namespace mmoe::internal {

/// Segments lie behind the header and within the file; tensors within their segment, with the number of
/// bytes that type, layout and dimensions demand.
Status verify_tensors(const schema::Model& root, std::uint64_t header_bytes, std::uint64_t file_bytes);

/// The features tile the columns of x in order; tables and vocabularies are of the right type and size.
/// REQUIRES: verify_tensors().
Status verify_features(const schema::Model& root);

}  // namespace mmoe::internal
