#include "converter/importers/safetensors.h"

#include "converter/error.h"
#include "converter/importers/float_convert.h"
#include "converter/importers/messages.h"
#include "converter/importers/safetensors_header.h"
#include "converter/importers/strided_view.h"
#include "converter/shape_text.h"

namespace mmoe::converter {
namespace {

constexpr uint64_t kMaxHeaderBytes = 100'000'000;  // the limit of the safetensors library itself

uint64_t header_bytes(std::string_view bytes) {
  return load_little_endian<uint64_t>(reinterpret_cast<const unsigned char*>(bytes.data()));
}

/// The JSON, out of a file that is longer than its header's length.
std::string_view header_of(std::string_view bytes) {
  const uint64_t length = header_bytes(bytes);
  if (length > kMaxHeaderBytes) {
    throw ConvertError("the safetensors header claims " + std::to_string(length) + " bytes; at most " +
                       std::to_string(kMaxHeaderBytes) + " are allowed");
  }
  if (length > bytes.size() - kLengthBytes) {
    throw ConvertError("the safetensors header claims " + std::to_string(length) + " bytes, but only " +
                       std::to_string(bytes.size() - kLengthBytes) + " follow: the file is truncated or damaged");
  }
  return bytes.substr(kLengthBytes, static_cast<size_t>(length));
}

/// The tensor's bytes in `data`, what follows the header.
std::string_view slice(const SafetensorsEntry& entry, std::string_view data) {
  const std::string where = "tensor " + in_quotes(entry.name) + ": ";
  const std::vector<uint64_t>& offsets = *entry.data_offsets;
  if (offsets.size() != 2 || offsets[0] > offsets[1]) {
    throw ConvertError(where + "data_offsets are " + shape_text(offsets) + "; expected [begin, end]");
  }
  if (offsets[1] > data.size()) {
    throw ConvertError(where + "its bytes end at " + std::to_string(offsets[1]) + " of " + std::to_string(data.size()) +
                       " after the header: the file is truncated or damaged");
  }
  const DTypeInfo& dtype = dtype_info(*entry.dtype);
  const auto elements = checked_num_elements(*entry.shape);
  const auto bytes = elements ? checked_product(*elements, dtype.bytes) : std::nullopt;
  if (!bytes || *bytes != offsets[1] - offsets[0]) {
    throw ConvertError(where + "shape " + shape_text(*entry.shape) + " of " + std::string(dtype.name) + " needs " +
                       (bytes ? std::to_string(*bytes) : "more than 2^63") + " bytes, but data_offsets give it " +
                       std::to_string(offsets[1] - offsets[0]));
  }
  return data.substr(offsets[0], offsets[1] - offsets[0]);
}

class SafetensorsSource : public WeightSource {
 public:
  SafetensorsSource(std::string name, std::string_view bytes) : name_(std::move(name)) {
    const std::string_view header = header_of(bytes);
    const std::string_view data = bytes.substr(kLengthBytes + header.size());
    for (SafetensorsEntry& entry : parse_safetensors_header(header)) {
      slices_.push_back(slice(entry, data));
      dtypes_.push_back(*entry.dtype);
      tensors_.push_back({std::move(entry.name), std::move(*entry.shape), std::string(dtype_info(*entry.dtype).name)});
    }
    if (tensors_.empty()) throw ConvertError("the safetensors header names no tensor");
  }

  const std::vector<TensorInfo>& tensors() const override { return tensors_; }
  std::string format() const override { return "safetensors"; }

  void read(size_t index, uint64_t first, uint64_t count, float* to) const override {
    const TensorInfo& tensor = tensors_.at(index);
    if (!is_readable(dtypes_[index])) throw ConvertError(name_ + ": " + unreadable_message(tensor.name, tensor.dtype));
    const ElementArray array{reinterpret_cast<const unsigned char*>(slices_[index].data()), dtypes_[index]};
    read_view(contiguous_view(tensor.shape), array, first, count, to);
  }

 private:
  std::string name_;
  std::vector<TensorInfo> tensors_;
  std::vector<std::string_view> slices_;
  std::vector<DType> dtypes_;
};

}  // namespace

bool looks_like_safetensors(std::string_view bytes) {
  return bytes.size() > kLengthBytes && bytes[kLengthBytes] == '{' && header_bytes(bytes) <= kMaxHeaderBytes;
}

std::unique_ptr<WeightSource> open_safetensors(std::string name, std::string_view bytes) {
  try {
    return std::make_unique<SafetensorsSource>(name, bytes);
  } catch (const ConvertError& error) {
    throw ConvertError(name + ": " + error.what());
  }
}

}  // namespace mmoe::converter
