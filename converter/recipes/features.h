// `features` of a description, in the order in which the library concatenates them.
#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "converter/recipes/name_index.h"
#include "converter/recipes/settings.h"

namespace mmoe::converter {

/// From the settings' `features`, each completed by the table of its name, or from the tables alone. `input_dim`:
/// width of x, where the first layer says it. None: the caller passes x itself. Tables that are copies of others are
/// added to `ignored`; `weights` tells whether they are.
std::optional<nlohmann::ordered_json> describe_features(const WeightSource& weights,
                                                        const nlohmann::ordered_json& library, const NameIndex& names,
                                                        const Settings& settings, size_t input_dim,
                                                        nlohmann::ordered_json& ignored,
                                                        std::vector<std::string>& notes);

/// Whether a feature of these is one more of a column, with the library's second table.
bool has_second_table(const nlohmann::ordered_json& library, const nlohmann::ordered_json& feature);

}  // namespace mmoe::converter
