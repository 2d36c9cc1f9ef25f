// What a caller must know of the order in which a written file takes features and the columns of x.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "converter/description/model.h"

namespace mmoe::converter {

/// Lines of text. `order[i]`: place in the description of the file's i-th feature. One line where the file keeps the description's order; where item-side features have moved behind the others, a line per feature
/// with both places, and both ranges of x's columns.
std::vector<std::string> describe_feature_order(const ModelDescription& model, const std::vector<size_t>& order);

}  // namespace mmoe::converter
