#include "converter/importers/state_dict.h"

#include <algorithm>
#include <limits>

#include "converter/error.h"
#include "converter/importers/dict_search.h"
#include "converter/importers/messages.h"
#include "converter/importers/tensor_names.h"
#include "converter/importers/weight_source.h"
#include "converter/shape_text.h"

namespace mmoe::converter {
namespace {

// A view that repeats elements (stride 0) may be larger than its storage, so the file's size does not bound it.
constexpr uint64_t kMaxRepeatedElements = uint64_t{1} << 24;

constexpr std::string_view kPacked = "._packed_params._packed_params", kPackedRows = "._packed_params._packed_weight";

bool has_end(std::string_view text, std::string_view end) {
  return text.size() >= end.size() && text.substr(text.size() - end.size()) == end;
}

/// The tensors of a packed layer: a pair of weight and bias, which may be None.
PickleSpan packed_pair(const PickleValues& values, PickleRef ref) {
  if (values.kind(ref) != PickleKind::kTuple) return {};
  const PickleSpan items = values.tuple(ref);
  const bool packed = items.count == 2 && values.kind(items[0]) == PickleKind::kTensor &&
                      values.global(items[0]).kind == GlobalKind::kRebuildQTensor;
  return packed ? items : PickleSpan{};
}

bool is_tensor(const PickleValues& values, PickleRef ref) {
  return values.kind(ref) == PickleKind::kTensor || packed_pair(values, ref).count != 0;
}

/// Turns the arguments of a torch._utils._rebuild_tensor* call into a view that has been checked.
class TensorReader {
 public:
  TensorReader(const PickleValues& values, std::string_view name) : values_(values), name_(name) {}

  StateDictTensor read(PickleRef tensor) const {
    const PickleSpan arguments = values_.tuple(values_.arguments(tensor));
    const GlobalKind function = values_.global(tensor).kind;
    const size_t needed = function == GlobalKind::kRebuildTensor ? 4 : function == GlobalKind::kRebuildTensorV2 ? 6 : 7;
    if (arguments.count < needed) fail("it is built from too few arguments");
    if (function != GlobalKind::kRebuildQTensor) refuse_metadata(arguments, needed);
    StateDictTensor result;
    result.name = std::string(name_);
    read_storage(arguments[0], result);
    if (function == GlobalKind::kRebuildTensorV3) result.dtype = dtype(arguments[6]);
    result.view = {unsigned_integer(arguments[1], "storage offset"), sizes(arguments[2], "shape"),
                   sizes(arguments[3], "strides")};
    check_view(result);
    if (function == GlobalKind::kRebuildQTensor) result.codes = codes(arguments[4], result);
    return result;
  }

 private:
  /// (scheme, scale, zero point) or (scheme, scales, zero points, axis)
  std::shared_ptr<const TensorCodes> codes(PickleRef parameters, const StateDictTensor& tensor) const {
    const PickleSpan items = values_.kind(parameters) == PickleKind::kTuple ? values_.tuple(parameters) : PickleSpan();
    const bool named = items.count >= 3 && values_.kind(items[0]) == PickleKind::kGlobal &&
                       values_.global(items[0]).kind == GlobalKind::kQScheme;
    if (!named) fail("its quantiser is of an unknown form");
    auto result = std::make_shared<TensorCodes>();
    if (items.count == 3) {
      if (values_.kind(items[1]) != PickleKind::kReal) fail("its quantiser has no scale");
      result->scale = values_.real(items[1]);
      if (values_.kind(items[2]) != PickleKind::kInteger) fail("its quantiser has no zero point");
      result->zero_point = static_cast<double>(values_.integer(items[2]));
      return result;
    }
    result->axis = unsigned_integer(items[3], "quantiser's axis");
    if (*result->axis >= tensor.view.shape.size()) fail("its quantiser's axis is one that it has not");
    for (const size_t i : {size_t{1}, size_t{2}}) {
      const bool plain =
          values_.kind(items[i]) == PickleKind::kTensor && values_.global(items[i]).kind != GlobalKind::kRebuildQTensor;
      if (!plain) fail("its quantiser has no tensors of scales and zero points");
      result->numbers.push_back(read(items[i]));
      const std::vector<uint64_t>& found = result->numbers.back().view.shape;
      if (found != std::vector<uint64_t>{tensor.view.shape[*result->axis]}) {
        fail("its quantiser has scales or zero points of shape " + shape_text(found));
      }
      if (!is_readable(result->numbers.back().dtype)) fail("its quantiser's numbers are of an unknown type");
    }
    result->real_zero_points = is_float(result->numbers[1].dtype);
    return result;
  }

  [[noreturn]] void fail(const std::string& what) const {
    throw ConvertError("tensor " + in_quotes(name_) + ": " + what);
  }

  /// A trailing dictionary says that the elements are to be negated or conjugated on reading.
  void refuse_metadata(PickleSpan arguments, size_t needed) const {
    if (arguments.count <= needed) return;
    const PickleRef metadata = arguments[needed];
    if (values_.kind(metadata) == PickleKind::kDict && values_.dict(metadata).count != 0) {
      fail("it is a lazy negative or conjugate view; save tensor.resolve_neg().resolve_conj()");
    }
  }

  void read_storage(PickleRef storage, StateDictTensor& result) const {
    if (values_.kind(storage) != PickleKind::kStorage) fail("it has no storage");
    const PickleSpan id = values_.tuple(values_.arguments(storage));
    const bool well_formed = id.count == 5 && is_text(id[0]) && values_.text(id[0]) == "storage" &&
                             values_.kind(id[1]) == PickleKind::kGlobal &&
                             values_.global(id[1]).kind == GlobalKind::kStorageType && is_text(id[2]);
    if (!well_formed) fail("its storage is not (\"storage\", type, key, location, number of elements)");
    result.dtype = values_.global(id[1]).dtype;
    result.storage_key = values_.text(id[2]);
    const auto bytes =
        checked_product(unsigned_integer(id[4], "number of stored elements"), dtype_info(result.dtype).bytes);
    if (!bytes) fail("its storage declares more than 2^64 bytes");
    result.storage_bytes = *bytes;
  }

  bool is_text(PickleRef ref) const { return values_.kind(ref) == PickleKind::kText; }

  DType dtype(PickleRef ref) const {
    if (values_.kind(ref) != PickleKind::kGlobal || values_.global(ref).kind != GlobalKind::kDtype) {
      fail("its dtype is not a type of torch");
    }
    return values_.global(ref).dtype;
  }

  uint64_t unsigned_integer(PickleRef ref, const char* what) const {
    if (values_.kind(ref) != PickleKind::kInteger || values_.integer(ref) < 0) {
      fail(std::string("its ") + what + " is not a number from 0 to 2^63 - 1");
    }
    return static_cast<uint64_t>(values_.integer(ref));
  }

  std::vector<uint64_t> sizes(PickleRef ref, const char* what) const {
    if (values_.kind(ref) != PickleKind::kTuple) fail(std::string("its ") + what + " is not a tuple");
    const PickleSpan items = values_.tuple(ref);
    if (items.count > kMaxDims) fail("it has " + std::to_string(items.count) + " dimensions; at most 64 are allowed");
    std::vector<uint64_t> numbers;
    for (const PickleRef item : items) numbers.push_back(unsigned_integer(item, what));
    return numbers;
  }

  void check_view(const StateDictTensor& tensor) const {
    const StridedView& view = tensor.view;
    const std::string geometry = "shape " + shape_text(view.shape) + ", strides " + shape_text(view.strides) +
                                 ", offset " + std::to_string(view.offset);
    if (view.shape.size() != view.strides.size()) fail(geometry + ": as many strides as sizes expected");
    const uint64_t stored = tensor.storage_bytes / dtype_info(tensor.dtype).bytes;
    const auto extent = checked_extent(view);
    if (!extent || *extent > stored) {
      fail(geometry + " needs " + (extent ? std::to_string(*extent) : "more than 2^63") +
           " elements, but its storage " + in_quotes(tensor.storage_key) + " has " + std::to_string(stored));
    }
    const uint64_t elements = *checked_num_elements(view.shape);
    if (elements > std::max(stored, kMaxRepeatedElements)) {
      fail(geometry + " repeats " + std::to_string(stored) + " stored elements into " + std::to_string(elements) +
           "; save tensor.contiguous()");
    }
  }

  const PickleValues& values_;
  std::string_view name_;
};

}  // namespace

std::vector<StateDictTensor> find_state_dict(const PickleValues& values, PickleRef root) {
  if (values.kind(root) == PickleKind::kTensor) {
    throw ConvertError("holds one tensor without a name; expected a state_dict");
  }
  const PickleSpan items = values.dict(
      find_dict_of(values, root, is_tensor, "expected a state_dict, from torch.save(model.state_dict(), path)"));
  TensorNames names;
  std::vector<StateDictTensor> tensors;
  const auto add = [&](const std::string& name, PickleRef value) {
    names.add(name);
    tensors.push_back(TensorReader(values, name).read(value));
  };
  for (size_t i = 0; i + 1 < items.count; i += 2) {
    if (!is_tensor(values, items[i + 1])) continue;
    if (values.kind(items[i]) != PickleKind::kText) throw ConvertError("a tensor's key is not a string");
    const std::string name(values.text(items[i]));
    const PickleSpan pair = packed_pair(values, items[i + 1]);
    if (pair.count == 0) {
      const bool rows = has_end(name, kPackedRows);
      add(rows ? name.substr(0, name.size() - kPackedRows.size()) + ".weight" : name, items[i + 1]);
      continue;
    }
    if (!has_end(name, kPacked)) throw ConvertError(in_quotes(name) + ": a pair of tensors of an unknown form");
    const std::string module = name.substr(0, name.size() - kPacked.size());
    add(module + ".weight", pair[0]);
    if (values.kind(pair[1]) == PickleKind::kTensor) add(module + ".bias", pair[1]);
  }
  return tensors;
}

}  // namespace mmoe::converter
