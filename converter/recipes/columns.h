// `columns` of a recipe's model: what of x its parts read, by name.
#pragma once

#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>

#include "converter/recipes/name_index.h"

namespace mmoe::converter {

struct RecipeColumns {
  std::map<std::string, nlohmann::ordered_json> streams;  ///< parts of a description, by name
  std::optional<uint64_t> input_dim;                      ///< to be stated, where there are no features
};

/// `features`: of the description; null: the caller passes x, and its columns are counted. Throws ConvertError when the
/// features' widths do not add up to the columns, and when there are none where the model tells blocks by their kinds.
RecipeColumns read_columns(const nlohmann::ordered_json& library, const nlohmann::ordered_json& model,
                           const NameIndex& names, const nlohmann::ordered_json& features);

}  // namespace mmoe::converter
