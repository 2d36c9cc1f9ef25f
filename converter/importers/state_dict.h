// The state_dict inside a PyTorch checkpoint.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "converter/importers/pickle.h"
#include "converter/importers/strided_view.h"

namespace mmoe::converter {

/// One tensor of a state_dict: a view of a storage. The view is inside the storage's declared elements.
struct StateDictTensor {
  std::string name;
  DType dtype;
  std::string_view storage_key;  ///< points into the pickle
  uint64_t storage_bytes;        ///< as declared
  StridedView view;
};

/// The tensors of the state_dict that `root` is or contains, in its order. When several dictionaries inside
/// `root` hold tensors, one called state_dict, model_state_dict, model, net or weights is preferred, nearest to
/// the root; an optimizer's state is never meant. Throws ConvertError, without the file's name.
std::vector<StateDictTensor> find_state_dict(const PickleValues& values, PickleRef root);

}  // namespace mmoe::converter
