// Weights in zip archives, of which PyTorch, NumPy and Keras each write a kind.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "converter/importers/weight_source.h"

namespace mmoe::converter {

/// What the archive holds tells whose it is. `bytes` must outlive the source. Errors begin with `name`. Throws
/// ConvertError.
std::unique_ptr<WeightSource> open_zip(std::string name, std::string_view bytes);

}  // namespace mmoe::converter
