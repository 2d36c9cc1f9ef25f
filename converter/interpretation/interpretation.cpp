#include "converter/interpretation/interpretation.h"

#include <filesystem>
#include <memory>
#include <utility>

#include "converter/error.h"
#include "converter/importers/contained_file.h"
#include "converter/importers/left_out.h"
#include "converter/recipes/recipe.h"
#include "converter/recognise/recognise.h"
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

Interpretation by_recipe(const WeightSource& weights, const std::string& recipe, const std::string& settings,
                         const fs::path& folder) {
  RecipeResult result = describe_by_recipe(weights, recipe, settings, folder);
  const std::string found = result.library + " " + result.model;
  Interpretation made{Method::kRecipe, std::move(result.description), "recipe " + found, {}, result.recipe,
                      result.claimed};
  made.notes.push_back(
      result.claimed
          ? "described by the recipe that you named, " + found + " (--print-description shows the description)"
          : "taken for " + found + " by the tensors' names alone (--print-description shows the description; " +
                "--recipe " + result.recipe + " says that it is right)");
  made.notes.insert(made.notes.end(), result.notes.begin(), result.notes.end());
  return made;
}

// A description, or settings for a recipe: the text tells.
Interpretation by_text(const WeightSource& weights, const std::string& argument, const std::string& recipe) {
  const bool is_json = argument.front() == '{';
  const std::string origin = is_json ? "settings" : argument;
  const std::string text = is_json ? argument : read_text(argument);
  try {
    if (is_recipe_settings(text)) {
      Interpretation made = by_recipe(weights, recipe, text, is_json ? fs::path() : fs::path(argument).parent_path());
      if (!is_json) made.file = argument;
      return made;
    }
  } catch (const ConvertError& error) {
    throw ConvertError(origin + ": " + error.what());
  }
  if (!recipe.empty()) throw ConvertError(origin + ": is a description: it needs no --recipe");
  return {Method::kDescription, text, origin, {}, "", false, is_json ? "" : argument};
}

TrainedModel by_description(const WeightSource& weights, const Interpretation& interpretation,
                            const std::string& default_name, BindReport& report) {
  const UnusedTensors unused = interpretation.recipe_named ? UnusedTensors::kReport : UnusedTensors::kRefuse;
  try {
    const auto open = [&interpretation](const std::string& location) -> SharedBytes {
      const std::shared_ptr<const MappedFile> file =
          map_contained_file(interpretation.file, location, {"the keys", "the description"});
      return {file, file->bytes()};
    };
    return bind_description_text(interpretation.description, weights, default_name, &report, unused, open);
  } catch (const UnusedTensorsError& error) {
    if (interpretation.recipe.empty()) throw;
    throw ConvertError(error.what() +
                       (". The library was recognised by the names of the tensors, but its model does not have these "
                        "tensors. If the file is from this library, pass --recipe " +
                        interpretation.recipe + "; else write a description (DESCRIPTION.md)"));
  }
}

TrainedModel by_graph([[maybe_unused]] const OnnxGraph& graph, [[maybe_unused]] const std::string& default_name,
                      [[maybe_unused]] BindReport& report) {
  if constexpr (kReadsOnnx) return recognise(graph, default_name, report.notes);
  throw ConvertError("a graph, which this build has no importer of");  // so nobody has got one
}

}  // namespace

Interpretation interpret(const WeightSource& weights, const OnnxGraph* graph, const InterpretationRequest& request) {
  if (!request.description.empty()) return by_text(weights, request.description, request.recipe);
  if (request.recipe.empty() && graph != nullptr) {
    return {Method::kGraph, "", request.weights_path, {}, "", false};
  }
  return by_recipe(weights, request.recipe, "", "");
}

TrainedModel read_model(const WeightSource& weights, const OnnxGraph* graph, const Interpretation& interpretation,
                        const std::string& default_name, BindReport& report) {
  try {
    TrainedModel model = interpretation.method == Method::kGraph
                             ? by_graph(*graph, default_name, report)
                             : by_description(weights, interpretation, default_name, report);
    report.notes.insert(report.notes.begin(), interpretation.notes.begin(), interpretation.notes.end());
    return model;
  } catch (const ConvertError& error) {
    throw ConvertError(interpretation.origin + ": " + error.what());
  }
}

}  // namespace mmoe::converter
