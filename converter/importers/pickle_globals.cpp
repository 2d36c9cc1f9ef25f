#include "converter/importers/pickle_globals.h"

namespace mmoe::converter {
namespace {

struct Listed {
  std::string_view module, name;
  GlobalKind kind;
};

// Tensors, and the dictionaries they are in. The signatures are those of torch/_utils.py and torch/_tensor.py
// (1.6 to 2.x).
constexpr Listed kMeaningful[] = {
    {"collections", "OrderedDict", GlobalKind::kDict},
    {"collections", "defaultdict", GlobalKind::kDict},
    {"builtins", "tuple", GlobalKind::kTuple},
    {"__builtin__", "tuple", GlobalKind::kTuple},
    // NumPy before and since 2.0.
    {"numpy", "dtype", GlobalKind::kNumpyDtype},
    {"numpy.core.multiarray", "_reconstruct", GlobalKind::kNumpyReconstruct},
    {"numpy._core.multiarray", "_reconstruct", GlobalKind::kNumpyReconstruct},
    {"numpy.core.numeric", "_frombuffer", GlobalKind::kNumpyFromBuffer},
    {"numpy._core.numeric", "_frombuffer", GlobalKind::kNumpyFromBuffer},
    {"_codecs", "encode", GlobalKind::kCodecsEncode},
    {"torch._utils", "_rebuild_tensor", GlobalKind::kRebuildTensor},
    {"torch._utils", "_rebuild_tensor_v2", GlobalKind::kRebuildTensorV2},
    {"torch._utils", "_rebuild_tensor_v3", GlobalKind::kRebuildTensorV3},
    {"torch._utils", "_rebuild_qtensor", GlobalKind::kRebuildQTensor},
    {"torch", "per_tensor_affine", GlobalKind::kQScheme},
    {"torch", "per_tensor_symmetric", GlobalKind::kQScheme},
    {"torch", "per_channel_affine", GlobalKind::kQScheme},
    {"torch", "per_channel_symmetric", GlobalKind::kQScheme},
    {"torch", "per_channel_affine_float_qparams", GlobalKind::kQScheme},
    {"torch._utils", "_rebuild_parameter", GlobalKind::kRebuildParameter},
    {"torch._utils", "_rebuild_parameter_with_state", GlobalKind::kRebuildParameterWithState},
    {"torch._tensor", "_rebuild_from_type_v2", GlobalKind::kRebuildFromType},
    {"torch._utils", "_rebuild_wrapper_subclass", GlobalKind::kRebuildWrapper},
    {"torchrec.tensor_types", "UInt4Tensor", GlobalKind::kBytesOfTensor},
    {"torch", "Size", GlobalKind::kSize},
    {"torch", "Tensor", GlobalKind::kTensorType},
    {"torch.nn.parameter", "Parameter", GlobalKind::kTensorType},
    {"torch.nn.parameter", "Buffer", GlobalKind::kTensorType},
    // Storages without a type, counted in bytes; the names of torch 1.11 to 2.x.
    {"torch", "UntypedStorage", GlobalKind::kStorageType},
    {"torch.storage", "UntypedStorage", GlobalKind::kStorageType},
    {"torch", "_UntypedStorage", GlobalKind::kStorageType},
    {"torch.storage", "_UntypedStorage", GlobalKind::kStorageType},
};

struct Module {
  std::string_view module;
  std::string_view names;  // separated by spaces
};

// What training scripts keep in a checkpoint next to the weights: numbers, paths, dates, settings, the state
// of random generators. All of it is skipped, so a name belongs here when skipping it is always right.
constexpr Module kHarmless[] = {
    {"__builtin__", "set frozenset bytearray bytes complex dict list int float str bool xrange slice object"},
    {"builtins", "set frozenset bytearray bytes complex dict list int float str bool range slice object"},
    {"argparse", "Namespace"},
    {"collections", "Counter deque"},
    {"datetime", "date datetime time timedelta timezone"},
    {"decimal", "Decimal"},
    {"fractions", "Fraction"},
    {"lightning.fabric.utilities.data", "AttributeDict"},
    {"lightning_fabric.utilities.data", "AttributeDict"},
    {"numpy", "ndarray"},
    {"numpy._core.multiarray", "scalar"},
    {"numpy.core.multiarray", "scalar"},
    {"pathlib", "Path PosixPath PurePath PurePosixPath PureWindowsPath WindowsPath"},
    {"pathlib._local", "Path PosixPath PurePath PurePosixPath PureWindowsPath WindowsPath"},
    {"pytorch_lightning.utilities.parsing", "AttributeDict"},
    {"torch", "device qint8 quint8 qint32 quint4x2 quint2x4"},
    {"torch.serialization", "_get_layout"},
    {"torch.torch_version", "TorchVersion"},
    {"types", "SimpleNamespace"},
    {"uuid", "UUID"},
};

bool has_word(std::string_view words, std::string_view word) {
  if (word.empty() || word.find(' ') != std::string_view::npos) return false;
  for (size_t begin = 0; begin < words.size();) {
    const size_t end = words.find(' ', begin);
    const std::string_view candidate = words.substr(begin, end - begin);
    if (candidate == word) return true;
    begin += candidate.size() + 1;
  }
  return false;
}

bool find_torch_type(std::string_view name, PickleGlobal& found) {
  if (name == "QInt8Storage" || name == "QUInt8Storage") {
    found = {GlobalKind::kStorageType, name == "QInt8Storage" ? DType::kI8 : DType::kU8};
    return true;
  }
  if (const DTypeInfo* row = find_dtype(&DTypeInfo::torch_storage, name)) {
    found = {GlobalKind::kStorageType, row->dtype};
    return true;
  }
  if (const DTypeInfo* row = find_dtype(&DTypeInfo::torch, name)) {
    found = {GlobalKind::kDtype, row->dtype};
    return true;
  }
  return false;
}

}  // namespace

bool find_pickle_global(std::string_view module, std::string_view name, PickleGlobal& found) {
  for (const Listed& listed : kMeaningful) {
    if (listed.module == module && listed.name == name) {
      found = {listed.kind, DType::kU8};
      return true;
    }
  }
  if (module == "torch" && find_torch_type(name, found)) return true;
  for (const Module& harmless : kHarmless) {
    if (harmless.module == module && has_word(harmless.names, name)) {
      found = {GlobalKind::kHarmless, DType::kU8};
      return true;
    }
  }
  return false;
}

}  // namespace mmoe::converter
