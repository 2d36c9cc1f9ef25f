// Versions, and what went wrong.
#include "core/make_error.h"
#include "mmoe/mmoe.h"

#include "c/report.h"

using mmoe::Error;
using mmoe::ErrorCode;

namespace {

// The only state of the library: what mmoe_last_message() returns.
#ifdef MMOE_NO_THREADS
Error last_error;
#else
thread_local Error last_error;
#endif

#define MMOE_TEXT_OF(number) #number
#define MMOE_DOTTED(major, minor, patch) MMOE_TEXT_OF(major) "." MMOE_TEXT_OF(minor) "." MMOE_TEXT_OF(patch)

}  // namespace

namespace mmoe::internal {

mmoe_status fail(const Error& error) {
  last_error = error;
  return static_cast<mmoe_status>(error.code());
}

mmoe_status null_argument(const char* name) { return fail(make_error(ErrorCode::kInvalidArgument, name, ": null")); }

}  // namespace mmoe::internal

extern "C" {

const char* mmoe_version(void) { return MMOE_DOTTED(MMOE_VERSION_MAJOR, MMOE_VERSION_MINOR, MMOE_VERSION_PATCH); }

uint32_t mmoe_version_number(void) {
  return MMOE_VERSION_MAJOR * 1000000 + MMOE_VERSION_MINOR * 1000 + MMOE_VERSION_PATCH;
}

const char* mmoe_status_name(mmoe_status status) { return mmoe::error_code_name(static_cast<ErrorCode>(status)); }

const char* mmoe_last_message(void) { return last_error.message(); }

}  // extern "C"
