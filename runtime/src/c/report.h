// How the functions of the C interface say what went wrong.
#pragma once

#include "mmoe/error.h"
#include "mmoe/mmoe.h"

namespace mmoe::internal {

/// Keeps the error for mmoe_last_message() and returns its code.
mmoe_status fail(const Error& error);

/// For a pointer that must not be null.
mmoe_status null_argument(const char* name);

inline mmoe_status finish(const Status& status) { return status.ok() ? mmoe_status{MMOE_OK} : fail(status.error()); }

}  // namespace mmoe::internal
