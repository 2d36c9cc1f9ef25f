// Weights in a pickled dictionary of NumPy arrays: what paddle.save makes of a state_dict (.pdparams), and pickle.dump.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "converter/importers/weight_source.h"

namespace mmoe::converter {

/// Whether `bytes` begin like a pickle of protocol 2 to 5.
inline bool looks_like_pickle(std::string_view bytes) {
  return bytes.size() > 1 && bytes[0] == '\x80' && bytes[1] >= 2 && bytes[1] <= 5;
}

/// Reads the pickle (see pickle.h: nothing in it is executed) and checks every array against its bytes. An array is
/// also the pair of a parameter's name and it, which paddle.save makes of a tensor. `bytes` must outlive the source.
/// Errors begin with `name`. Throws ConvertError.
std::unique_ptr<WeightSource> open_pickled_arrays(std::string name, std::string_view bytes);

}  // namespace mmoe::converter
