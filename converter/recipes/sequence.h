// Whether a file's layers are numbered as a library's own code numbers them.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "converter/recipes/name_index.h"

namespace mmoe::converter {

/// What a library's stacks of layers end with.
enum class StackEnd {
  kBlock,   ///< a linear layer with all that follows one: experts
  kOutput,  ///< a linear layer alone, behind the others: towers
  kAny      ///< either: the layers are the user's own
};

/// Names do not say in which order modules are called, but the numbers of an nn.Sequential do: MTReclib has linear
/// layer, batch norm, activation and dropout as 0, 1, 2, 3, and who puts the norm behind the activation has it at 2.
/// `sequence`: the kinds of modules of one block in their order ("layer", "batch_norm", "activation", "dropout"; with
/// '?' behind those that the library may leave out); null where layers and norms are lists of their own, which then
/// have the numbers 0, 1, ... `layers`: a stack's layers object of the recipe, its patterns complete but for the
/// placeholders other than {level}. Throws ConvertError naming the first stack whose numbers are others.
void check_numbers(const nlohmann::ordered_json& sequence, const nlohmann::ordered_json& layers, const NameIndex& names,
                   StackEnd end, const std::string& library);

}  // namespace mmoe::converter
