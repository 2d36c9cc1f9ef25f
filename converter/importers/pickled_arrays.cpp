#include "converter/importers/pickled_arrays.h"

#include <map>
#include <optional>

#include "converter/error.h"
#include "converter/importers/dict_search.h"
#include "converter/importers/messages.h"
#include "converter/importers/scratch_file.h"
#include "converter/importers/strided_view.h"
#include "converter/importers/tensor_names.h"
#include "converter/shape_text.h"

namespace mmoe::converter {
namespace {

constexpr std::string_view kSplitKey = "UnpackBigParamInfor@@";

struct StoredArray {
  DType dtype = DType::kF32;
  bool big_endian = false;
  bool latin1 = false;  ///< `bytes` is UTF-8 of one character a byte
  StridedView view;
  std::string_view bytes;
};

/// The array that a dictionary's value is or holds; itself when it is neither.
PickleRef array_in(const PickleValues& values, PickleRef ref) {
  if (values.kind(ref) != PickleKind::kTuple) return ref;
  const PickleSpan items = values.tuple(ref);
  const bool named =
      items.count == 2 && values.kind(items[0]) == PickleKind::kText && values.kind(items[1]) == PickleKind::kArray;
  return named ? items[1] : ref;
}

bool is_array(const PickleValues& values, PickleRef ref) {
  return values.kind(array_in(values, ref)) == PickleKind::kArray;
}

/// How many bytes are encoded; nothing when a character is beyond U+00FF.
std::optional<uint64_t> latin1_size(std::string_view text) {
  uint64_t count = 0;
  for (size_t i = 0; i < text.size(); ++i, ++count) {
    const auto byte = static_cast<unsigned char>(text[i]);
    if (byte < 0x80) continue;
    const bool pair = (byte == 0xc2 || byte == 0xc3) && i + 1 < text.size() &&
                      (static_cast<unsigned char>(text[i + 1]) & 0xc0) == 0x80;
    if (!pair) return std::nullopt;
    ++i;
  }
  return count;
}

/// The bytes that `text` encodes. REQUIRES: latin1_size(text).
ScratchFile decode_latin1(std::string_view text) {
  constexpr size_t kBlockBytes = size_t{1} << 16;
  ScratchFile copy(text.size());
  std::vector<unsigned char> block;
  block.reserve(kBlockBytes);
  for (size_t i = 0; i < text.size(); ++i) {
    const auto byte = static_cast<unsigned char>(text[i]);
    block.push_back(
        byte < 0x80 ? byte
                    : static_cast<unsigned char>((byte & 3u) << 6 | (static_cast<unsigned char>(text[++i]) & 0x3fu)));
    if (block.size() < kBlockBytes) continue;
    copy.append(block.data(), block.size());
    block.clear();
  }
  copy.append(block.data(), block.size());
  return copy;
}

class ArrayReader {
 public:
  explicit ArrayReader(const PickleValues& values) : values_(values) {}

  StoredArray read(PickleRef array) const {
    const PickleRef given = values_.arguments(array);
    if (values_.kind(given) != PickleKind::kTuple) fail("is an array without elements");
    const PickleSpan items = values_.tuple(given);
    return values_.global(array).kind == GlobalKind::kNumpyFromBuffer ? from_buffer(items) : from_state(items);
  }

 private:
  [[noreturn]] static void fail(const std::string& what) { throw ConvertError(what); }

  /// (bytes, dtype, shape, "C" or "F")
  StoredArray from_buffer(PickleSpan items) const {
    if (items.count != 4 || values_.kind(items[3]) != PickleKind::kText) fail("is an array of an unknown form");
    return make(items[0], items[1], items[2], values_.text(items[3]) == "F");
  }

  /// (version, shape, dtype, is Fortran, bytes)
  StoredArray from_state(PickleSpan items) const {
    if (items.count != 5 || values_.kind(items[3]) != PickleKind::kInteger) fail("is an array of an unknown form");
    return make(items[4], items[2], items[1], values_.integer(items[3]) != 0);
  }

  StoredArray make(PickleRef bytes, PickleRef dtype, PickleRef shape, bool fortran) const {
    StoredArray array;
    if (values_.kind(dtype) != PickleKind::kNumpyDtype) fail("has no numbers as elements");
    array.dtype = values_.global(dtype).dtype;
    array.big_endian = values_.big_endian(dtype);
    array.view = fortran ? fortran_view(sizes(shape)) : contiguous_view(sizes(shape));
    array.latin1 = values_.kind(bytes) == PickleKind::kLatin1;
    if (array.latin1 || values_.kind(bytes) == PickleKind::kBytes) {
      array.bytes = values_.text(bytes);
    } else if (checked_num_elements(array.view.shape) != 0u) {  // protocol 2 has a call of bytes() for none
      fail("has no bytes as elements");
    }
    check_size(array);
    return array;
  }

  std::vector<uint64_t> sizes(PickleRef ref) const {
    if (values_.kind(ref) != PickleKind::kTuple) fail("its shape is not a tuple");
    const PickleSpan items = values_.tuple(ref);
    if (items.count > kMaxDims) fail("it has " + std::to_string(items.count) + " dimensions; at most 64 are allowed");
    std::vector<uint64_t> shape;
    for (const PickleRef item : items) {
      if (values_.kind(item) != PickleKind::kInteger || values_.integer(item) < 0) {
        fail("its shape is not made of numbers from 0 to 2^63 - 1");
      }
      shape.push_back(static_cast<uint64_t>(values_.integer(item)));
    }
    return shape;
  }

  static void check_size(const StoredArray& array) {
    const auto stored = array.latin1 ? latin1_size(array.bytes) : std::optional<uint64_t>(array.bytes.size());
    if (!stored) fail("its bytes are damaged");
    const auto elements = checked_num_elements(array.view.shape);
    const auto needed = elements ? checked_product(*elements, dtype_info(array.dtype).bytes) : std::nullopt;
    if (needed == stored) return;
    fail("shape " + shape_text(array.view.shape) + " of " + std::string(dtype_info(array.dtype).name) + " needs " +
         (needed ? std::to_string(*needed) : "more than 2^63") + " bytes, but it has " + std::to_string(*stored));
  }

  const PickleValues& values_;
};

class PickledArrays : public WeightSource {
 public:
  PickledArrays(std::string name, std::string_view bytes) : name_(std::move(name)) {
    PickleValues values;
    const PickleRef root = parse_pickle(bytes, values);
    if (values.kind(root) == PickleKind::kArray) throw ConvertError("holds one array without a name; " + expected());
    const PickleSpan items = values.dict(find_dict_of(values, root, is_array, expected()));
    for (size_t i = 0; i + 1 < items.count; i += 2) add(values, items[i], items[i + 1]);
  }

  const std::vector<TensorInfo>& tensors() const override { return tensors_; }
  std::string format() const override { return "paddle"; }

  void read(size_t index, uint64_t first, uint64_t count, float* to) const override {
    const TensorInfo& tensor = tensors_.at(index);
    const StoredArray& array = arrays_[index];
    if (!is_readable(array.dtype)) throw ConvertError(name_ + ": " + unreadable_message(tensor.name, tensor.dtype));
    const auto* bytes = reinterpret_cast<const unsigned char*>(bytes_of(index).data());
    read_view(array.view, {bytes, array.dtype, array.big_endian}, first, count, to);
  }

 private:
  static std::string expected() {
    return "expected a dictionary of arrays, from paddle.save(model.state_dict(), path)";
  }

  void add(const PickleValues& values, PickleRef key, PickleRef value) {
    const bool named = values.kind(key) == PickleKind::kText;
    if (named && values.text(key) == kSplitKey) {
      throw ConvertError("has its large parameters cut up (" + std::string(kSplitKey) +
                         "); save it with paddle.save(..., protocol=4)");
    }
    if (!is_array(values, value)) return;
    if (!named) throw ConvertError("an array's key is not a string");
    const std::string_view name = values.text(key);
    names_.add(name);
    try {
      arrays_.push_back(ArrayReader(values).read(array_in(values, value)));
    } catch (const ConvertError& error) {
      throw ConvertError("tensor " + in_quotes(name) + ": " + error.what());
    }
    const StoredArray& array = arrays_.back();
    tensors_.push_back({std::string(name), array.view.shape, std::string(dtype_info(array.dtype).name)});
  }

  std::string_view bytes_of(size_t index) const {
    if (!arrays_[index].latin1) return arrays_[index].bytes;
    const auto found = decoded_.find(index);
    if (found != decoded_.end()) return found->second.map();
    return decoded_.emplace(index, decode_latin1(arrays_[index].bytes)).first->second.map();
  }

  std::string name_;
  TensorNames names_;
  std::vector<TensorInfo> tensors_;
  std::vector<StoredArray> arrays_;
  mutable std::map<size_t, ScratchFile> decoded_;  // a cache of those that have been read
};

}  // namespace

std::unique_ptr<WeightSource> open_pickled_arrays(std::string name, std::string_view bytes) {
  try {
    return std::make_unique<PickledArrays>(name, bytes);
  } catch (const ConvertError& error) {
    throw ConvertError(name + ": " + error.what());
  }
}

}  // namespace mmoe::converter
