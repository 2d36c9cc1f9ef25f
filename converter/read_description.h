// What mmoe-convert was given to understand the weights by: a description, settings for a recipe, or nothing.
#pragma once

#include <string>
#include <vector>

#include "converter/description/bind.h"
#include "converter/importers/weight_source.h"

namespace mmoe::converter {

struct DescriptionText {
  std::string text;    ///< JSON (DESCRIPTION.md)
  std::string origin;  ///< where it comes from, for messages
  std::vector<std::string> notes;
  std::string recipe;            ///< name of the recipe that made it; empty: the user wrote it
  bool recipe_claimed = false;   ///< the user named the recipe; else the tensors' names alone tell
};

/// `argument`: a file's path, a JSON text itself (it begins with '{'), or empty. `recipe`: empty, or a recipe's name.
/// Throws ConvertError, naming the file.
DescriptionText read_description(const WeightSource& weights, const std::string& argument, const std::string& recipe);

/// The model that it describes. A tensor that is not accounted for is an error; but where the user has named a recipe,
/// it is in `report`, for a warning. Throws ConvertError that begins with the description's origin.
ModelDescription bind_description(const DescriptionText& description, const WeightSource& weights,
                                  const std::string& default_name, BindReport& report);

}  // namespace mmoe::converter
