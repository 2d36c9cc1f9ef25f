// What the nodes of a recipe may say.
#pragma once

#include "converter/description/json_reader.h"
#include "converter/recipes/layers_rules.h"

namespace mmoe::converter {

/// Throws ConvertError, beginning with the path of the value, as check_recipe does.
void check_nodes(const JsonReader& list, const LayersRules& rules);

}  // namespace mmoe::converter
