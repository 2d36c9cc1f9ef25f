// What the field calls a model.
#pragma once

#include <string>

#include "converter/model/model.h"

namespace mmoe::converter {

/// "MMoE", "Shared-Bottom", "OMoE", "CGC", "PLE", ...: the papers' names, from the structure; where a structure has
/// several names (networks that share nothing: Single-Task, L2-Constrained, Tensor-Factorization), the one that
/// the model claims.
std::string architecture_name(const TrainedModel& model);

/// Throws ConvertError when the model's structure is not that of the architecture that it claims to be, or when
/// the claimed one is known and not a case of the general model (AITM).
void check_architecture(const TrainedModel& model);

}  // namespace mmoe::converter
