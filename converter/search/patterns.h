// A choice of types as the description's key `numbers` says it.
#pragma once

#include <string>
#include <vector>

#include "converter/model/model.h"

namespace mmoe::converter {

/// What all names are where they differ in numbers alone, with * for each of these: "experts.*.0.weight". "": there is
/// none.
std::string common_pattern(const std::vector<std::string>& names);

/// The list, as JSON with an entry a line, that gives the model's layers and tables the types that they have. What has
/// none, or f32, is left to f32.
std::string numbers_json(const TrainedModel& model);

}  // namespace mmoe::converter
