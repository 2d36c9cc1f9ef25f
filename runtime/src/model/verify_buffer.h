// Whether a header's bytes are a FlatBuffers buffer of the schema, so that its accessors stay within it.
#pragma once

#include <cstddef>
#include <cstdint>

namespace mmoe::internal {

/// What flatc's VerifySizePrefixedModelBuffer() says of the `size` bytes at `bytes`, which have the file's identifier:
/// every table, vector and string lies within them, and every required field is there. Walks the schema's type tables,
/// which takes half the code of the functions that flatc makes for each table.
bool verify_buffer(const std::uint8_t* bytes, std::size_t size);

}  // namespace mmoe::internal
