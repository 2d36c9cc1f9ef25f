// The network's part of a description: `trunk`, `nodes`, `levels` and `towers` of a recipe, fitted to the tensors there
// are.
#pragma once

#include <nlohmann/json.hpp>
#include <vector>

#include "converter/recipes/columns.h"
#include "converter/recipes/name_index.h"
#include "converter/recipes/nodes.h"
#include "converter/recipes/settings.h"

namespace mmoe::converter {

/// `model`: one of the library's models. What its patterns describe and the file does not have (a hidden layer of the
/// gates, a normalisation, a node) is left out; one level becomes as many as the file has. `tasks`: those with a tower.
/// Tensors that the library never reads are added to `ignored`.
nlohmann::ordered_json describe_network(const nlohmann::ordered_json& library, const nlohmann::ordered_json& model,
                                        const NameIndex& names, const Settings& settings, std::vector<RecipeTask> tasks,
                                        const RecipeColumns& columns, nlohmann::ordered_json& ignored);

}  // namespace mmoe::converter
