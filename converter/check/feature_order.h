// What a caller must know of the order in which a written file takes features and the columns of x.
#pragma once

#include <string>
#include <vector>

#include "converter/model/model.h"

namespace mmoe::converter {

/// Lines of text: the order, which is the description's, and the features and columns of the user's and the candidates'
/// part where there are two.
std::vector<std::string> describe_feature_order(const TrainedModel& model);

}  // namespace mmoe::converter
