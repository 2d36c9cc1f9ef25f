// What the checks of a file share: how the first thing that is wrong is told. A check returns false when it has said
// so; it leaves 220 bytes of message in one place instead of handing them from function to function.
#pragma once

#include <cstddef>
#include <cstdint>

#include "mmoe/error.h"
#include "schema/mmoe_generated.h"

namespace mmoe::internal {

/// Where in the file a check stands, as "levels[0].gates[1].logits"; links up the call stack.
struct Path {
  static constexpr std::uint32_t kNoIndex = UINT32_MAX;

#ifdef MMOE_NO_MESSAGES
  Path(const Path*, const char*, std::size_t = kNoIndex) {}
  Path at(std::size_t) const { return *this; }
#else
  Path(const Path* its_parent, const char* its_field, std::size_t its_index = kNoIndex)
      : parent(its_parent), field(its_field), index(static_cast<std::uint32_t>(its_index)) {}
  /// The same field's element.
  Path at(std::size_t element) const { return {parent, field, element}; }

  const Path* parent;
  const char* field;
  std::uint32_t index;
#endif
};

#ifndef MMOE_NO_MESSAGES
/// Appends `text` with a number for each '%'.
void append_text(Error& error, const char* text, const std::uint64_t* numbers);
#endif

class Checker {
 public:
  /// `error` stays as it is while nothing is wrong.
  Checker(const schema::Model& root, Error& error) : root_(root), error_(error) {}

 protected:
  /// Sets the error and returns false. The message is `text` with a number for each '%', behind the path, if there is
  /// one.
  template <class... Numbers>
  bool fail(const Path* path, ErrorCode code, const char* text, Numbers... numbers) const {
#ifdef MMOE_NO_MESSAGES
    static_cast<void>(path), static_cast<void>(text), (static_cast<void>(numbers), ...);
    error_ = Error(code);
#else
    const std::uint64_t values[] = {static_cast<std::uint64_t>(numbers)..., 0};
    set_error(path, code, text, values);
#endif
    return false;
  }
  template <class... Numbers>
  bool damaged(const Path* path, const char* text, Numbers... numbers) const {
    return fail(path, ErrorCode::kDamaged, text, numbers...);
  }
  template <class... Numbers>
  bool unsupported(const Path* path, const char* text, Numbers... numbers) const {
    return fail(path, ErrorCode::kUnsupported, text, numbers...);
  }

  const schema::Model& root_;

 private:
  void set_error(const Path* path, ErrorCode code, const char* text, const std::uint64_t* numbers) const;

  Error& error_;
};

}  // namespace mmoe::internal
