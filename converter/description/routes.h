// `route` of a group of gates: each row takes one expert, whose number the row says.
#pragma once

#include <cstddef>
#include <string>

#include "converter/description/streams.h"
#include "converter/model/model.h"
#include "converter/reading/json_reader.h"

namespace mmoe::converter {

/// The gate takes the expert of the largest logit alone. Of one input x, the expert's number from 0, the logit of
/// expert e is a multiple of 2 e x - e², which is largest for the e next to x; of an input per expert (one-hot) it is
/// one of the input. A width that is neither is an error of `field`. So are rows of a category, where the description
/// has them, of which one names an expert that there is not, or by none of which an expert is taken.
/// REQUIRES: `gate` has its input, a stream of `streams`, and its experts.
void bind_route(const JsonReader& field, const Streams& streams, Gate& gate);

}  // namespace mmoe::converter
