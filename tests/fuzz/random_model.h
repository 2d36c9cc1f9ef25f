// Any structure that the converter's intermediate representation can have, chosen by a fuzzer's bytes; the weights are
// random numbers.
#pragma once

#include "converter/model/model.h"
#include "tests/fuzz/byte_source.h"

namespace mmoe::fuzz {

/// Small, finite and valid: convert() must take it, but where folding makes a weight exceed a float.
converter::TrainedModel random_model(ByteSource& bytes);

}  // namespace mmoe::fuzz
