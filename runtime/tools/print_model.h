// A described model as tables for people.
#pragma once

#include <string>

#include "runtime/tools/describe.h"

namespace mmoe::tools {

/// Of what describe() returns.
std::string model_text(const Json& model);

}  // namespace mmoe::tools
