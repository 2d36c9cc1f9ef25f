// Every key of every vocabulary, looked up in the written file.
#pragma once

#include <string_view>

#include "converter/model/model.h"

namespace mmoe::converter {

/// Throws ConvertError, which names feature and key, where the runtime finds another id in the file than `model` has.
/// REQUIRES: the file has the model's features.
void check_lookups(std::string_view file, const TrainedModel& model);

}  // namespace mmoe::converter
