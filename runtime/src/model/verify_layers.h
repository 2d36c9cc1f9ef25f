// Checks of trunk, experts, gates, towers and tasks: who reads what, and that every width fits.
#pragma once

#include "mmoe/error.h"
#include "schema/mmoe_generated.h"

namespace mmoe::internal {

/// False: `error` says what is wrong. REQUIRES: verify_tensors(), verify_features().
bool verify_layers(const schema::Model& root, Error& error);

}  // namespace mmoe::internal
