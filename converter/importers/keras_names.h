// The names of a Keras file's tensors, out of the paths, attributes and the model's own config.
#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "converter/importers/weight_source.h"

namespace mmoe::converter {

/// What is known of a file's structure.
struct KerasFile {
  std::vector<std::string> paths;             ///< of datasets
  std::vector<std::vector<uint64_t>> shapes;  ///< of the same
  std::string config;                         ///< JSON; may be empty
  std::vector<std::string> layer_names;       ///< the attribute of the older .h5; may be empty
  /// The name that Keras 3 wrote down for the layer whose variables are in the group `path`; may be empty.
  std::function<std::string(const std::string& path)> written_name;
};

struct KerasTensor {
  size_t dataset = 0;  ///< index into KerasFile::paths
  std::string name;
};

struct KerasNames {
  std::vector<KerasTensor> tensors;  ///< without an optimizer's
  std::vector<TensorAlias> aliases;  ///< of `tensors`, by index
};

/// Tensors are named `<layer>/<variable>`, without the ":0" that TensorFlow appends.
/// - model.save("x.h5") and save_weights("x.h5"): as the file has them.
/// - .weights.h5 and .keras have a class, a counter and a number instead ("layers/dense_3/vars/0"). The layer's name is
///   what Keras 3 wrote beside it, else what the config has at that place, else the path's; the variable's name follows
///   from the kind of layer (kernel, bias, gamma, ...), and is the number where the kind is not Keras's own.
/// - any other HDF5 file: the path.
/// Automatically named layers ("dense_7") have aliases that do not depend on how many layers were made before:
/// `dense#0`, `dense#1` in the order of their numbers, and with a config `dense#0>click` for the first of those that
/// lead to the layer named `click`.
KerasNames name_keras_tensors(const KerasFile& file);

}  // namespace mmoe::converter
