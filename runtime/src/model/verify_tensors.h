// Checks of segments, tensors, vocabularies and features.
#pragma once

#include <cstdint>

#include "mmoe/error.h"
#include "schema/mmoe_generated.h"

namespace mmoe::internal {

/// Segments lie behind the header and within the file; tensors within their segment, with the number of
/// bytes that type, layout and dimensions demand. False: `error` says what is wrong.
bool verify_tensors(const schema::Model& root, std::uint64_t header_bytes, std::uint64_t file_bytes, Error& error);

/// The features tile the columns of x, the user's before the item's; tables and vocabularies are of the right type and
/// size.
/// REQUIRES: verify_tensors().
bool verify_features(const schema::Model& root, Error& error);

}  // namespace mmoe::internal
