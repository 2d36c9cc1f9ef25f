#include "mmoe/error.h"

#include <cstring>

namespace mmoe {

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
    case ErrorCode::kNonFinite: return "input is not finite";
    case ErrorCode::kUnknownCategory: return "unknown category";
  }
  return "unknown error";
}

Error& Error::append(const char* text, std::size_t size) {
  const std::size_t used = std::strlen(message_);
  const std::size_t room = kMaxMessage - 1 - used;
  const std::size_t fitting = size < room ? size : room;
  std::memcpy(message_ + used, text, fitting);
  message_[used + fitting] = '\0';
  return *this;
}

Error& Error::append(const char* text) { return append(text, std::strlen(text)); }

Error& Error::append(std::uint64_t number) {
  char digits[20];
  std::size_t first = sizeof digits;
  do {
    digits[--first] = static_cast<char>('0' + number % 10);
    number /= 10;
  } while (number != 0);
  return append(digits + first, sizeof digits - first);
}

}  // namespace mmoe
