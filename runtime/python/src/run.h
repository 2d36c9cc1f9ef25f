// Scoring: in parts, between which Python may interrupt.
#pragma once

#include "mmoe/mmoe.h"
#include "runtime/python/src/session.h"

namespace mmoe::python {

/// Scores input.num_rows rows of x, or of a row builder all. `user`: null, or the user whose candidates they are. The
/// interpreter's lock is given up while it computes, but for a few microseconds' work. False: an exception.
bool run(SessionObject& session, const mmoe_input& input, const mmoe_output& output, const mmoe_input* user);

/// Sets the user of later candidates.
bool run_user(SessionObject& session, const mmoe_input& user);

}  // namespace mmoe::python
