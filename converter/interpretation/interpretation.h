// What says what the tensors of a weights file mean, and the model that follows from it.
//
// There are three ways, in this order:
//   a description   JSON that the user wrote (DESCRIPTION.md);
//   a graph         an ONNX model says itself what it computes; nothing else is given;
//   a recipe        the tensors are named as a public library names them (RECIPES.md): the user names the library or
//   gives
//                   its settings, or the names alone tell. A recipe writes a description.
#pragma once

#include <string>
#include <vector>

#include "converter/description/bind.h"
#include "converter/importers/weight_source.h"

namespace mmoe::converter {

struct OnnxGraph;

enum class Method { kDescription, kGraph, kRecipe };

struct Interpretation {
  Method method = Method::kDescription;
  std::string description;  ///< JSON, the user's or a recipe's; empty for kGraph
  std::string origin;       ///< where it comes from: begins the messages of errors
  std::vector<std::string> notes;
  std::string recipe;  ///< kRecipe: its name
  bool recipe_named =
      false;           ///< kRecipe: the user named it, or gave settings that do; else the tensors' names alone tell
  std::string file{};  ///< beside which the files lie that it names; empty: in the working directory
};

/// What the user gave beside the weights.
struct InterpretationRequest {
  std::string weights_path;
  std::string description;  ///< a file's path, JSON itself (it begins with '{'), or empty
  std::string recipe;       ///< a recipe's name, or empty
};

/// Chooses the way. `graph`: null where the weights file has none. Throws ConvertError, naming the file, when nothing
/// says what the tensors mean, or two things do.
Interpretation interpret(const WeightSource& weights, const OnnxGraph* graph, const InterpretationRequest& request);

/// The model, as the training framework meant it. A tensor that is not accounted for is an error; but where the user
/// has named a recipe, it is in `report`, for a warning. Throws ConvertError that begins with the interpretation's
/// origin.
TrainedModel read_model(const WeightSource& weights, const OnnxGraph* graph, const Interpretation& interpretation,
                        const std::string& default_name, BindReport& report);

}  // namespace mmoe::converter
