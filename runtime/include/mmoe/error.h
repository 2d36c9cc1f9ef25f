// Errors without exceptions. An error has a code for programs and a message for people. Result<T> holds a value or an
// error. runtime/doc/errors.md explains each code, with an example and what to do.
//
// Everything public is in an inline namespace of the version (mmoe::v0_1, written mmoe::). So two versions of the
// library in one process, for example in two plug-ins, do not share inline functions.
#pragma once

#include <cstddef>
#include <cstdint>
#include <new>
#include <utility>

namespace mmoe {
inline namespace v0_1 {

/// What kind of error it is. Has the numbers of mmoe_status in C. Codes are only ever appended.
enum class ErrorCode : std::int32_t {
  kOk = 0,
  kIo = 1,               ///< the operating system refused a file
  kNotAModel = 2,        ///< the bytes are not a .mmoe file
  kNewerVersion = 3,     ///< a .mmoe file of a newer major version
  kDamaged = 4,          ///< truncated or inconsistent; the message names the field
  kUnsupported = 5,      ///< valid, but needs something that this build or machine does not have
  kMisaligned = 6,       ///< the model's or the arena's address is not aligned as required
  kChecksum = 7,         ///< the bytes are not those that the converter wrote
  kInvalidArgument = 8,  ///< the call is wrong; the message names the argument
  kArenaTooSmall = 9,    ///< the message says how many bytes are needed
  kOutOfMemory = 10,
  kNonFinite = 11,        ///< an input or a score is NaN or infinite, which the options refuse; the message has the row
  kUnknownCategory = 12,  ///< a value is not in a feature's vocabulary and the feature refuses unknown ones
  kLimitExceeded = 13     ///< valid, but a row takes more work or memory than an option allows; the message names it
};

/// A short name of the code, for example "damaged file".
const char* error_code_name(ErrorCode code);

/// A code and a message. Copyable, owns nothing.
class Error {
 public:
  static constexpr std::size_t kMaxMessage = 224;  ///< bytes of a message, with the null behind it

  Error() : code_(ErrorCode::kOk) { message_[0] = '\0'; }
  explicit Error(ErrorCode code) : code_(code) { message_[0] = '\0'; }

  /// kOk: there is no error.
  ErrorCode code() const { return code_; }
  /// Says what is wrong, what was found and what was expected. Valid as long as this object.
  const char* message() const { return message_; }

  /// Appends to the message. Text that does not fit is cut off.
  Error& append(const char* text, std::size_t size);
  Error& append(const char* text);      ///< text: terminated by a null
  Error& append(std::uint64_t number);  ///< in decimal digits
  Error& append(std::int64_t number);   ///< in decimal digits

 private:
  ErrorCode code_;
  char message_[kMaxMessage];
};

/// Success, or an error.
class [[nodiscard]] Status {
 public:
  Status() = default;
  Status(const Error& error) : error_(error) {}  // NOLINT: a function returns an Error as its Status

  /// Whether there is no error.
  bool ok() const { return error_.code() == ErrorCode::kOk; }
  explicit operator bool() const { return ok(); }
  /// Code kOk and an empty message where ok(). Valid as long as this object.
  const Error& error() const { return error_; }

 private:
  Error error_;
};

/// A T, or the error that explains why there is none. Movable if T is.
template <class T>
class [[nodiscard]] Result {
 public:
  Result(T&& value) : ok_(true) { new (&value_) T(std::move(value)); }     // NOLINT: implicit by design
  Result(const Error& error) : ok_(false) { new (&error_) Error(error); }  // NOLINT
  Result(Result&& other) noexcept : ok_(other.ok_) {
    if (ok_) {
      new (&value_) T(std::move(other.value_));
    } else {
      new (&error_) Error(other.error_);
    }
  }
  Result(const Result&) = delete;
  Result& operator=(const Result&) = delete;
  Result& operator=(Result&&) = delete;
  ~Result() {
    if (ok_) value_.~T();
  }

  /// Whether there is a value. Else there is an error.
  bool ok() const { return ok_; }
  explicit operator bool() const { return ok_; }

  /// REQUIRES: ok(). A program compiled without NDEBUG is ended where it is not. Of a temporary Result it is a
  /// temporary T, so that Session::create(*Model::map(path)) is refused: that model would be gone at once.
  T& operator*() & { return require(ok_), value_; }
  const T& operator*() const& { return require(ok_), value_; }
  T&& operator*() && { return require(ok_), static_cast<T&&>(value_); }
  T* operator->() { return require(ok_), &value_; }
  const T* operator->() const { return require(ok_), &value_; }

  /// REQUIRES: !ok(), as above.
  const Error& error() const { return require(!ok_), error_; }

 private:
#if !defined(NDEBUG) || defined(MMOE_ASSERTIONS)
  static void require(bool holds) {
    if (!holds) __builtin_trap();
  }
#else
  static void require(bool) {}
#endif

  bool ok_;
  union {
    T value_;
    Error error_;
  };
};

}  // namespace v0_1
}  // namespace mmoe
