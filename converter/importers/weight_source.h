// Named tensors out of a file of trained weights, whatever its format.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace mmoe::converter {

struct KerasLayer;

constexpr size_t kMaxDims = 64;  ///< of a tensor: the limit of PyTorch and of NumPy

/// What a weights file says about one tensor.
struct TensorInfo {
  std::string name;
  std::vector<uint64_t> shape;  ///< empty for a scalar
  std::string dtype;            ///< the field's short name: "f32", "f64", "f16", "bf16", "i64", ...
  bool coded = false;           ///< floats that are products of whole numbers and scales in the file

  uint64_t num_elements() const;  ///< product of shape, 1 for a scalar; opening has checked it against the file
};

/// A second name under which a tensor can be found.
struct TensorAlias {
  std::string name;
  size_t tensor = 0;  ///< index into WeightSource::tensors()
};

/// An opened weights file. Tensors are read when asked for, so that a file may be larger than memory.
/// One thread at a time may use it: read() may keep what it has unpacked.
class WeightSource {
 public:
  virtual ~WeightSource() = default;

  /// Every tensor of the file, in the file's order.
  virtual const std::vector<TensorInfo>& tensors() const = 0;

  /// Elements [first, first + count) of tensors()[index], counted row-major whatever its strides in the file, rounded
  /// to nearest from f64 (out of range: an infinity), i32 and i64, exact from f16, bf16, f32, i8 and u8, into `to`.
  /// Takes time and memory for these elements alone, but for what the first read of a tensor has to unpack. Throws
  /// ConvertError, naming the tensor, when its bytes are damaged or its type is not one of these. REQUIRES: the tensor
  /// has them.
  virtual void read(size_t index, uint64_t first, uint64_t count, float* to) const = 0;

  /// All elements.
  std::vector<float> read(size_t index) const;

  /// "safetensors", "pytorch", "numpy", "keras", "paddle", "onnx".
  virtual std::string format() const = 0;

  /// The layers of the model as the file itself describes them (Keras); empty: it does not.
  virtual const std::vector<KerasLayer>& keras_layers() const;

  /// Further names, for formats whose own names depend on counters.
  virtual std::vector<TensorAlias> aliases() const { return {}; }
};

}  // namespace mmoe::converter
