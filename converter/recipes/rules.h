// What a recipe may say. Recipes are checked when they are built, so that recognising a file's library can rely on
// them.
#pragma once

#include <string>
#include <string_view>

#include "converter/reading/json_reader.h"

namespace mmoe::converter {

/// Throws ConvertError, beginning with the path of the value, for whatever reading the recipe would stumble over: an
/// unknown or missing key, another type, an unknown placeholder or activation, two models of one name.
void check_recipe(const JsonReader& library);

/// Parses and checks a recipe. An error's message begins with "<file>:<line>: ". Returns the library's name.
std::string check_recipe_text(std::string_view text, const std::string& file);

}  // namespace mmoe::converter
