// The names that a pickle may ask Python to import, and what this reader makes of each. Nothing is imported.
#pragma once

#include <cstdint>
#include <string_view>

#include "converter/importers/dtype.h"

namespace mmoe::converter {

enum class GlobalKind : uint8_t {
  kDict,                       ///< called, makes an empty dictionary: OrderedDict, defaultdict
  kRebuildTensor,              ///< torch._utils._rebuild_tensor(storage, offset, size, stride)
  kRebuildTensorV2,            ///< the same, requires_grad, hooks[, metadata]
  kRebuildTensorV3,            ///< the same, requires_grad, hooks, dtype[, metadata], on an untyped storage
  kRebuildQTensor,             ///< (storage, offset, size, stride, (scheme, ...), requires_grad, hooks)
  kRebuildParameter,           ///< (tensor, requires_grad, hooks): the tensor
  kRebuildParameterWithState,  ///< (tensor, requires_grad, hooks, attributes): the tensor
  kRebuildFromType,            ///< (function, type, arguments, attributes): function(*arguments)
  kRebuildWrapper,             ///< torch._utils._rebuild_wrapper_subclass, as a function of kRebuildFromType
  kStorageType,                ///< of a storage with elements of `dtype`
  kDtype,                      ///< `dtype` itself
  kQScheme,                    ///< torch.per_tensor_affine and others: how a quantised tensor's codes become numbers
  kSize,                       ///< torch.Size(tuple): the tuple
  kBytesOfTensor,              ///< TorchRec's UInt4Tensor, a wrapper of the tensor of bytes `elem`
  kTensorType,                 ///< torch.Tensor, torch.nn.Parameter as an argument of kRebuildFromType
  kTuple,                      ///< tuple(items): the items
  kNumpyDtype,                 ///< numpy.dtype(name, ...)
  kNumpyReconstruct,           ///< numpy's _reconstruct(...), an array that a state follows
  kNumpyFromBuffer,            ///< numpy's _frombuffer(bytes, dtype, shape, order)
  kCodecsEncode,               ///< _codecs.encode(text, "latin1"): bytes, as protocol 2 writes them
  kHarmless,                   ///< calling it makes a value that is carried along and never looked into
};

struct PickleGlobal {
  GlobalKind kind;
  DType dtype = DType::kU8;  ///< of kStorageType, kDtype and kNumpyDtype
};

/// Looks `module.name` up; false when it is not on the list, and then the file is refused.
bool find_pickle_global(std::string_view module, std::string_view name, PickleGlobal& found);

}  // namespace mmoe::converter
