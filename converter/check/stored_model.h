// The model that a file holds, in the form that the evaluation takes.
#pragma once

#include "converter/check/bounded.h"
#include "converter/lowering/lowered.h"

namespace mmoe::converter {

/// The lowered description with the numbers of its fused layers and with tables as the runtime reads them. Its tasks
/// are the lowered ones.
TrainedModel stored_model(const LoweredModel& lowered);

/// x in the order of the features' columns of the file, from the order of the features.
Numbers in_columns(const LoweredModel& lowered, const Numbers& x);

}  // namespace mmoe::converter
