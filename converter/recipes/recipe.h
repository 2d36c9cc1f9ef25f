// Ready descriptions ("recipes") of what the public MMoE libraries save: from a file's tensor names, and the little
// that they do not say, to a description (DESCRIPTION.md), which then goes the way of every description.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "converter/importers/weight_source.h"

namespace mmoe::converter {

struct RecipeResult {
  std::string recipe;       ///< "deepctr-torch", as for --recipe
  std::string library;      ///< "DeepCTR-Torch"
  std::string model;        ///< "PLE"
  std::string description;  ///< JSON text
  std::vector<std::string> notes;
  bool claimed = false;  ///< the user named the library; else the tensors' names alone tell
};

/// Names for --recipe: "deepctr-torch", ...
std::vector<std::string> recipe_names();

/// Whether this JSON text is settings for a recipe, not a description.
bool is_recipe_settings(std::string_view json);

/// The description of these weights. `recipe` and its model may be empty: the tensors' names tell them. `settings`
/// is a JSON text (RECIPES.md), empty for none; the files that it names lie in `folder`. Throws ConvertError when
/// no recipe fits, or the settings do not.
RecipeResult describe_by_recipe(const WeightSource& weights, const std::string& recipe, std::string_view settings,
                                const std::filesystem::path& folder);

}  // namespace mmoe::converter
