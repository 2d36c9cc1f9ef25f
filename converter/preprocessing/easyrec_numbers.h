// TorchEasyRec's raw features: numbers, with a normalizer or in bins.
#pragma once

#include <nlohmann/json.hpp>

#include "converter/reading/json_reader.h"

namespace mmoe::converter::easyrec {

/// What an entry of `features` has of a number. `encoded`: the rows have normalised numbers already.
nlohmann::json describe_number(const JsonReader& feature, bool encoded);

/// The same of its bins: of the raw number, also where the normalised one has the boundaries.
nlohmann::json describe_bins(const JsonReader& feature);

}  // namespace mmoe::converter::easyrec
