#include "converter/importers/state_dict.h"

#include <algorithm>
#include <iterator>
#include <limits>
#include <unordered_set>

#include "converter/error.h"
#include "converter/importers/messages.h"
#include "converter/importers/tensor_names.h"

namespace mmoe::converter {
namespace {

constexpr std::string_view kPreferredKeys[] = {"state_dict", "model_state_dict", "model", "net", "weights"};
constexpr size_t kMaxDims = 64;  // PyTorch's own limit
// A view that repeats elements (stride 0) may be larger than its storage, so the file's size does not bound it.
constexpr uint64_t kMaxRepeatedElements = uint64_t{1} << 24;

/// A dictionary inside the checkpoint, and the key it was reached by.
struct Found {
  PickleRef dict;
  std::string_view key;  // empty for the root
  size_t parent;         // in the list of what was found; its own index for the root
  size_t depth;
};

class Search {
 public:
  explicit Search(const PickleValues& values) : values_(values) {}

  PickleRef choose(PickleRef root) {
    visit(root, {}, 0, 0);
    for (size_t i = 0; i < found_.size(); ++i) visit_children(i);  // breadth first; grows while it runs
    if (candidates_.empty()) {
      throw ConvertError("holds no tensors; expected a state_dict, from torch.save(model.state_dict(), path)");
    }
    return candidates_.size() == 1 ? found_[candidates_[0]].dict : choose_preferred();
  }

 private:
  void visit(PickleRef dict, std::string_view key, size_t parent, size_t depth) {
    if (!visited_.insert(dict).second || is_optimizer(dict)) return;
    found_.push_back({dict, key, parent, depth});
    if (holds_tensors(dict)) candidates_.push_back(found_.size() - 1);
  }

  void visit_children(size_t index) {
    const PickleSpan items = values_.dict(found_[index].dict);
    for (size_t i = 0; i + 1 < items.count; i += 2) {
      if (values_.kind(items[i + 1]) != PickleKind::kDict) continue;
      const bool named = values_.kind(items[i]) == PickleKind::kText;
      visit(items[i + 1], named ? values_.text(items[i]) : "?", index, found_[index].depth + 1);
    }
  }

  bool holds_tensors(PickleRef dict) const {
    const PickleSpan items = values_.dict(dict);
    for (size_t i = 0; i + 1 < items.count; i += 2) {
      const bool named = values_.kind(items[i]) == PickleKind::kText;
      if (named && values_.kind(items[i + 1]) == PickleKind::kTensor) return true;
    }
    return false;
  }

  /// torch.optim.Optimizer.state_dict() is {"state": {0: {"exp_avg": tensor ...}}, "param_groups": [...]}.
  bool is_optimizer(PickleRef dict) const { return has_key(dict, "state") && has_key(dict, "param_groups"); }

  bool has_key(PickleRef dict, std::string_view key) const {
    const PickleSpan items = values_.dict(dict);
    for (size_t i = 0; i + 1 < items.count; i += 2) {
      if (values_.kind(items[i]) == PickleKind::kText && values_.text(items[i]) == key) return true;
    }
    return false;
  }

  PickleRef choose_preferred() const {
    std::vector<size_t> nearest;
    for (const size_t candidate : candidates_) {
      const Found& found = found_[candidate];
      const bool preferred =
          std::find(std::begin(kPreferredKeys), std::end(kPreferredKeys), found.key) != std::end(kPreferredKeys);
      if (preferred && (nearest.empty() || found_[nearest[0]].depth == found.depth)) nearest.push_back(candidate);
    }
    if (nearest.size() == 1) return found_[nearest[0]].dict;
    refuse_ambiguous(nearest.empty() ? candidates_ : nearest);
  }

  [[noreturn]] void refuse_ambiguous(const std::vector<size_t>& choices) const {
    constexpr size_t kShown = 8;
    std::string list;
    for (size_t i = 0; i < choices.size() && i < kShown; ++i) list += (i == 0 ? "" : ", ") + path(choices[i]);
    if (choices.size() > kShown) list += ", ...";
    throw ConvertError("holds " + std::to_string(choices.size()) + " dictionaries of tensors: " + list +
                       "; save the state_dict alone, or under the key 'state_dict'");
  }

  /// "checkpoint['ema']['net']"; only the last keys of a very deep one.
  std::string path(size_t index) const {
    constexpr size_t kShown = 4;
    std::string keys;
    for (size_t level = 0; found_[index].parent != index; index = found_[index].parent) {
      if (++level > kShown) return "..." + keys;
      keys = "[" + in_quotes(found_[index].key) + "]" + keys;
    }
    return "checkpoint" + keys;
  }

  const PickleValues& values_;
  std::unordered_set<PickleRef> visited_;
  std::vector<Found> found_;
  std::vector<size_t> candidates_;
};

/// Turns the arguments of a torch._utils._rebuild_tensor* call into a view that has been checked.
class TensorReader {
 public:
  TensorReader(const PickleValues& values, std::string_view name) : values_(values), name_(name) {}

  StateDictTensor read(PickleRef tensor) const {
    const PickleSpan arguments = values_.tuple(values_.arguments(tensor));
    const GlobalKind function = values_.global(tensor).kind;
    const size_t needed = function == GlobalKind::kRebuildTensor ? 4 : function == GlobalKind::kRebuildTensorV2 ? 6 : 7;
    if (arguments.count < needed) fail("it is built from too few arguments");
    refuse_metadata(arguments, needed);
    StateDictTensor result;
    result.name = std::string(name_);
    read_storage(arguments[0], result);
    if (function == GlobalKind::kRebuildTensorV3) result.dtype = dtype(arguments[6]);
    result.view = {unsigned_integer(arguments[1], "storage offset"), sizes(arguments[2], "shape"),
                   sizes(arguments[3], "strides")};
    check_view(result);
    return result;
  }

 private:
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
  if (values.kind(root) != PickleKind::kDict) {
    throw ConvertError("holds no dictionary; expected a state_dict, from torch.save(model.state_dict(), path)");
  }
  const PickleSpan items = values.dict(Search(values).choose(root));
  TensorNames names;
  std::vector<StateDictTensor> tensors;
  for (size_t i = 0; i + 1 < items.count; i += 2) {
    if (values.kind(items[i + 1]) != PickleKind::kTensor) continue;
    if (values.kind(items[i]) != PickleKind::kText) throw ConvertError("a tensor's key is not a string");
    const std::string_view name = values.text(items[i]);
    names.add(name);
    tensors.push_back(TensorReader(values, name).read(items[i + 1]));
  }
  return tensors;
}

}  // namespace mmoe::converter
