// What mmoe-convert was given to understand the weights by: a description, settings for a recipe, or nothing.
#pragma once

#include <string>
#include <vector>

#include "converter/importers/weight_source.h"

namespace mmoe::converter {

struct DescriptionText {
  std::string text;    ///< JSON (DESCRIPTION.md)
  std::string origin;  ///< where it comes from, for messages
  std::vector<std::string> notes;
};

/// `argument`: a file's path, a JSON text itself (it begins with '{'), or empty. `recipe`: empty, or a recipe's name.
/// Throws ConvertError, naming the file.
DescriptionText read_description(const WeightSource& weights, const std::string& argument, const std::string& recipe);

}  // namespace mmoe::converter
