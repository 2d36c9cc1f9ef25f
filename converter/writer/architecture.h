// What the field calls a model.
#pragma once

#include <string>

#include "converter/description/model.h"

namespace mmoe::converter {

/// "MMoE", "Shared-Bottom", "OMoE", "CGC", "PLE", ...: the paper's names, from the structure alone.
std::string architecture_name(const ModelDescription& model);

}  // namespace mmoe::converter
