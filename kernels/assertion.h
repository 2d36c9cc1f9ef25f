// Debug assertions, on where MMOE_ASSERTIONS is defined: the CMake option of that name, and every Debug build.
//
// They state what somebody else has established: the verifier of what a file says, the plan of what a kernel is called
// with, the caller of what a header's REQUIRES says. What a caller may get wrong without breaking a rule is an error
// and not an assertion.
#pragma once

#ifdef MMOE_ASSERTIONS

namespace mmoe {
/// Prints the condition and its place, and ends the program.
[[noreturn]] void assertion_failed(const char* condition, const char* file, int line);
}  // namespace mmoe

#define MMOE_ASSERT(condition) \
  ((condition) ? static_cast<void>(0) : ::mmoe::assertion_failed(#condition, __FILE__, __LINE__))

#else

// Compiled but not evaluated, so that what a condition names counts as used.
#define MMOE_ASSERT(condition) static_cast<void>(sizeof((condition) ? 1 : 0))

#endif
