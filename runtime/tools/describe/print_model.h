// A described model as tables for people.
#pragma once

#include <string>

#include "runtime/tools/describe/describe.h"

namespace mmoe::tools {

/// "499 → 64 relu → 32 relu+layer_norm", of the layers that describe() returns.
std::string layers_text(const Json& layers);

/// Of what describe() returns.
std::string model_text(const Json& model);

}  // namespace mmoe::tools
