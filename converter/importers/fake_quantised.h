// Weights as quantisation-aware training of PyTorch computes with them.
#pragma once

#include <memory>

#include "converter/importers/weight_source.h"

namespace mmoe::converter {

/// `source` itself, or, where tensors such as `fc.weight_fake_quant.scale` lie beside a weight, one that reads
/// `fc.weight` as the trained module does, rounded to multiples of the scale, and has none of these tensors. Throws
/// ConvertError, beginning with `name`, where they do not fit the weight.
std::unique_ptr<WeightSource> with_fake_quantised(const std::string& name, std::unique_ptr<WeightSource> source);

}  // namespace mmoe::converter
