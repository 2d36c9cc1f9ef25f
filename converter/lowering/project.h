// Features' projections, which the file does not have.
#pragma once

#include "converter/model/model.h"

namespace mmoe::converter {

/// Multiplies the projections of dense features into every first layer that reads x, which then reads the features'
/// values themselves. Batch norms are folded already.
void fold_projections(TrainedModel& model);

}  // namespace mmoe::converter
