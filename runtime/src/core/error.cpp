#include "mmoe/error.h"

#include <cstring>

namespace mmoe {
inline namespace v0_1 {

const char* error_code_name(ErrorCode code) {
  switch (code) {
    case ErrorCode::kOk: return "ok";
    case ErrorCode::kIo: return "input/output error";
    case ErrorCode::kNotAModel: return "not a model file";
    case ErrorCode::kNewerVersion: return "newer version";
    case ErrorCode::kDamaged: return "damaged file";
    case ErrorCode::kUnsupported: return "unsupported";
    case ErrorCode::kMisaligned: return "misaligned address";
    case ErrorCode::kChecksum: return "checksum mismatch";
    case ErrorCode::kInvalidArgument: return "invalid argument";
    case ErrorCode::kArenaTooSmall: return "arena too small";
    case ErrorCode::kOutOfMemory: return "out of memory";
    case ErrorCode::kNonFinite: return "not finite";
    case ErrorCode::kUnknownCategory: return "unknown category";
    case ErrorCode::kLimitExceeded: return "limit exceeded";
  }
  return "unknown error";
}

#ifdef MMOE_NO_MESSAGES

Error& Error::append(const char*, std::size_t) { return *this; }
Error& Error::append(const char*) { return *this; }
Error& Error::append(std::uint64_t) { return *this; }
Error& Error::append(std::int64_t) { return *this; }

#else

Error& Error::append(const char* text, std::size_t size) {
  const std::size_t used = std::strlen(message_);
  const std::size_t room = kMaxMessage - 1 - used;
  const std::size_t fitting = size < room ? size : room;
  if (fitting == 0) return *this;  // text may be null, which memcpy may not be given
  std::memcpy(message_ + used, text, fitting);
  message_[used + fitting] = '\0';
  return *this;
}

Error& Error::append(const char* text) { return append(text, std::strlen(text)); }

// Divides by 10 and returns the remainder, by halves: dividing 64 bits is a function of 700 bytes on small machines.
static std::uint32_t divide_by_10(std::uint64_t& number) {
  const std::uint32_t high = static_cast<std::uint32_t>(number >> 32);
  const std::uint32_t low = static_cast<std::uint32_t>(number);
  const std::uint32_t carried = high % 10;  // times 2^32 = 10 * 429496729 + 6
  const std::uint32_t rest = carried * 6 + low % 10;
  number = (std::uint64_t{high / 10} << 32) + std::uint64_t{carried} * 429496729u + low / 10 + rest / 10;
  return rest % 10;
}

Error& Error::append(std::uint64_t number) {
  char digits[20];
  std::size_t first = sizeof digits;
  do {
    digits[--first] = static_cast<char>('0' + divide_by_10(number));
  } while (number != 0);
  return append(digits + first, sizeof digits - first);
}

Error& Error::append(std::int64_t number) {
  if (number >= 0) return append(static_cast<std::uint64_t>(number));
  return append("-").append(0 - static_cast<std::uint64_t>(number));
}

#endif

}  // namespace v0_1
}  // namespace mmoe
