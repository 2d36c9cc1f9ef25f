// The outermost fields of a protobuf message of unknown kind.
#pragma once

#include <cstdint>
#include <string_view>

namespace mmoe::converter {

/// Fields of a number below 64, as a bit each.
struct ProtobufFields {
  bool whole = false;             ///< the bytes are fields to their end
  uint64_t numbers = 0;           ///< those that have a variable-length number
  uint64_t messages = 0;          ///< those that have bytes, text or a message
  uint64_t first_number = 0;      ///< the first value of field 1
  std::string_view first_second;  ///< the first bytes of field 2

  bool has_number(unsigned field) const { return (numbers >> field & 1) != 0; }
  bool has_message(unsigned field) const { return (messages >> field & 1) != 0; }
};

/// Skips from field to field: time for their count, not for their bytes.
ProtobufFields read_protobuf_fields(std::string_view bytes);

}  // namespace mmoe::converter
