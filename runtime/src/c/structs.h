// Structs of the C interface, which begin with struct_size: the caller's may be shorter than this library's.
#pragma once

#include <cstddef>
#include <cstring>

#include "c/report.h"
#include "core/make_error.h"
#include "mmoe/error.h"

namespace mmoe::internal {

/// Fills `full`. What an older, shorter struct lacks is 0; so is all of it where `from` is null.
template <class Struct>
Status read_struct(const Struct* from, const char* name, Struct& full) {
  full = Struct();
  if (!from) return {};
  if (from->struct_size < sizeof(std::size_t) || from->struct_size > sizeof full) {
    return make_error(ErrorCode::kInvalidArgument, name, ".struct_size: ", from->struct_size, ", expected ",
                      sizeof full);
  }
  std::memcpy(&full, from, from->struct_size);
  return {};
}

/// Hands out as much of `full` as the caller's struct has room for, and says in it how much that is.
template <class Struct>
mmoe_status write_struct(Struct& full, const char* name, Struct* to) {
  if (!to) return null_argument(name);
  if (to->struct_size < sizeof(std::size_t)) {
    return fail(
        make_error(ErrorCode::kInvalidArgument, name, ".struct_size: ", to->struct_size, ", expected ", sizeof full));
  }
  full.struct_size = to->struct_size < sizeof full ? to->struct_size : sizeof full;
  std::memcpy(to, &full, full.struct_size);
  return MMOE_OK;
}

/// For a struct that the library appends to: padding at its end would be read as the next field.
#define MMOE_ENDS_WITH(Struct, member) \
  static_assert(offsetof(Struct, member) + sizeof(Struct::member) == sizeof(Struct), "padding at the end of " #Struct)

}  // namespace mmoe::internal
