// What the nodes of a recipe may say.
#pragma once

#include <vector>

#include "converter/reading/json_reader.h"
#include "converter/recipes/layers_rules.h"

namespace mmoe::converter {

/// Throws ConvertError, beginning with the path of the value, as check_recipe does.
void check_nodes(const JsonReader& list, const LayersRules& rules);

/// The same of the nodes' names, which differ throughout the model: unless one is for the first task, and another for
/// the later ones. `lists`: those of the top level and of the levels.
void check_node_names(const std::vector<JsonReader>& lists);

}  // namespace mmoe::converter
