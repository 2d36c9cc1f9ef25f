// The state_dict inside a PyTorch checkpoint.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "converter/importers/pickle.h"
#include "converter/importers/strided_view.h"

namespace mmoe::converter {

struct TensorCodes;

/// One tensor of a state_dict: a view of a storage. The view is inside the storage's declared elements.
struct StateDictTensor {
  std::string name;
  DType dtype;
  std::string_view storage_key;  ///< points into the pickle
  uint64_t storage_bytes;        ///< as declared
  StridedView view;
  std::shared_ptr<const TensorCodes> codes{};  ///< the elements are codes
};

/// What the codes of a quantised tensor of torch stand for: (code - zero point) * scale.
struct TensorCodes {
  double scale = 1;  ///< of all elements
  double zero_point = 0;
  // Or of each index of an axis:
  std::optional<size_t> axis;
  std::vector<StateDictTensor> numbers;  ///< scales, zero points: [size of the axis]
  bool real_zero_points = false;         ///< per_channel_affine_float_qparams, of embeddings
};

/// The tensors of the state_dict that `root` is or contains, in its order. What torch.ao.quantization packs,
/// `fc._packed_params._packed_params`, is `fc.weight` and `fc.bias`, as before it was quantised. When several
/// dictionaries inside `root` hold tensors, one called state_dict, model_state_dict, model, net or weights is
/// preferred, nearest to the root; an optimizer's state is never meant. Throws ConvertError, without the file's name.
std::vector<StateDictTensor> find_state_dict(const PickleValues& values, PickleRef root);

}  // namespace mmoe::converter
