// Weights that NumPy saved: an .npz archive of named arrays, or a single .npy array.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "converter/importers/weight_source.h"

namespace mmoe::converter {

/// numpy.savez and savez_compressed: each entry `<tensor>.npy` is a tensor; other entries are left alone. An array is
/// unpacked when it is read. `bytes` must outlive the source. Errors begin with `name`. Throws ConvertError.
std::unique_ptr<WeightSource> open_npz(std::string name, std::string_view bytes);

/// numpy.save: one tensor, named like the file (`name` without folders and ending).
std::unique_ptr<WeightSource> open_npy(std::string name, std::string_view bytes);

}  // namespace mmoe::converter
