#include "converter/read_description.h"

#include <filesystem>

#include "converter/error.h"
#include "converter/recipes/recipe.h"
#include "runtime/tools/support/error.h"
#include "runtime/tools/support/text_file.h"

namespace mmoe::converter {

namespace {

namespace fs = std::filesystem;

std::string read_text(const fs::path& path) {
  try {
    return tools::read_text_file(path);
  } catch (const tools::ToolError& error) {
    throw ConvertError(error.what());
  }
}

DescriptionText from_recipe(const WeightSource& weights, const std::string& recipe, const std::string& settings,
                            const fs::path& folder) {
  RecipeResult result = describe_by_recipe(weights, recipe, settings, folder);
  const std::string found = result.library + " " + result.model;
  DescriptionText description{std::move(result.description), "recipe " + found, {}, result.recipe, result.claimed};
  description.notes.push_back(
      result.claimed
          ? "described by the recipe that you named, " + found + " (--print-description shows the description)"
          : "taken for " + found + " by the tensors' names alone (--print-description shows the description; " +
                "--recipe " + result.recipe + " says that it is right)");
  description.notes.insert(description.notes.end(), result.notes.begin(), result.notes.end());
  return description;
}

}  // namespace

DescriptionText read_description(const WeightSource& weights, const std::string& argument, const std::string& recipe) {
  if (argument.empty()) return from_recipe(weights, recipe, "", "");
  const bool is_json = argument.front() == '{';
  const std::string origin = is_json ? "settings" : argument;
  const std::string text = is_json ? argument : read_text(argument);
  try {
    if (is_recipe_settings(text)) {
      return from_recipe(weights, recipe, text, is_json ? fs::path() : fs::path(argument).parent_path());
    }
  } catch (const ConvertError& error) {
    throw ConvertError(origin + ": " + error.what());
  }
  if (!recipe.empty()) throw ConvertError(origin + ": is a description: it needs no --recipe");
  return {text, origin, {}, "", false};
}

ModelDescription bind_description(const DescriptionText& description, const WeightSource& weights,
                                  const std::string& default_name, BindReport& report) {
  const UnusedTensors unused = description.recipe_claimed ? UnusedTensors::kReport : UnusedTensors::kRefuse;
  try {
    ModelDescription model = bind_description_text(description.text, weights, default_name, &report, unused);
    report.notes.insert(report.notes.begin(), description.notes.begin(), description.notes.end());
    return model;
  } catch (const UnusedTensorsError& error) {
    const std::string advice = description.recipe.empty()
                                   ? ""
                                   : ". The library was recognised by the names of the tensors, but its model does not "
                                     "have these tensors. If the file "
                                     "is from this library, pass --recipe " +
                                         description.recipe + "; else write a description (DESCRIPTION.md)";
    throw ConvertError(description.origin + ": " + error.what() + advice);
  } catch (const ConvertError& error) {
    throw ConvertError(description.origin + ": " + error.what());
  }
}

}  // namespace mmoe::converter
