// FuxiCTR's own configuration: feature_map.json and feature_vocab.json, which it writes beside its data.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "converter/recipes/settings.h"

namespace mmoe::converter {

/// The features of `feature_map`, with the vocabularies of `feature_vocab` where the settings name that file. What the
/// settings' `features` say of one (scale, side) is added. Throws for kinds of features that have no place here.
nlohmann::json fuxictr_features(const Settings& settings);

/// The names of the labels, in their order.
std::vector<std::string> fuxictr_labels(const Settings& settings);

}  // namespace mmoe::converter
