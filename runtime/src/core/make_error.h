// One-line construction of errors: make_error(ErrorCode::kDamaged, "tensors[", i, "].cols: ", found).
#pragma once

#include <string_view>
#include <type_traits>

#include "mmoe/error.h"

namespace mmoe::internal {

inline void append_part(Error& error, const char* text) { error.append(text); }
inline void append_part(Error& error, std::string_view text) { error.append(text.data(), text.size()); }
template <class Number, class = std::enable_if_t<std::is_integral_v<Number> || std::is_enum_v<Number>>>
void append_part(Error& error, Number number) {
  using Widest = std::conditional_t<std::is_signed_v<Number>, std::int64_t, std::uint64_t>;
  error.append(static_cast<Widest>(number));
}

template <class... Parts>
Error make_error(ErrorCode code, const Parts&... parts) {
  Error error(code);
#ifdef MMOE_NO_MESSAGES
  (static_cast<void>(parts), ...);
#else
  (append_part(error, parts), ...);
#endif
  return error;
}

}  // namespace mmoe::internal
