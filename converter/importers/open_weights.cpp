#include "converter/importers/open_weights.h"

#include "converter/error.h"
#include "converter/importers/expansion.h"
#include "converter/importers/fake_quantised.h"
#include "converter/importers/file_format.h"
#include "converter/importers/keras_source.h"
#include "converter/importers/left_out.h"
#include "converter/importers/mapped_file.h"
#include "converter/importers/messages.h"
#include "converter/importers/numpy_source.h"
#include "converter/importers/onnx_graph.h"
#include "converter/importers/onnx_source.h"
#include "converter/importers/pickled_arrays.h"
#include "converter/importers/safetensors.h"
#include "converter/importers/zip_source.h"
#include "converter/shape_text.h"

namespace mmoe::converter {
namespace {

static_assert(sizeof(size_t) >= sizeof(uint64_t), "the converter runs on 64-bit hosts; sizes are not narrowed");

OpenedWeights open_format(const std::string& name, std::string_view bytes) {
  switch (detect_format(bytes)) {
    case FileFormat::kSafetensors: return {with_fake_quantised(name, open_safetensors(name, bytes)), nullptr};
    case FileFormat::kZip:
      if constexpr (kReadsZip) return {with_fake_quantised(name, open_zip(name, bytes)), nullptr};
      refuse_left_out(name, "a zip archive, as PyTorch's .pt, NumPy's .npz and Keras's .keras are", "libzip",
                      "libzip-dev", "MMOE_IMPORT_ZIP");
    case FileFormat::kNpy: return {open_npy(name, bytes), nullptr};
    case FileFormat::kHdf5:
      if constexpr (kReadsHdf5) return {open_keras_h5(name, bytes), nullptr};
      refuse_left_out(name, "an HDF5 file", "the HDF5 library", "libhdf5-dev", "MMOE_IMPORT_HDF5");
    case FileFormat::kPickle: return {open_pickled_arrays(name, bytes), nullptr};
    case FileFormat::kOnnx:
      if constexpr (kReadsOnnx) {
        const auto graph = std::make_shared<const OnnxGraph>(parse_onnx(name, bytes));
        return {open_onnx(name, graph), graph};
      }
      refuse_left_out(name, "an ONNX model", "protobuf", "libprotobuf-dev and protobuf-compiler", "MMOE_IMPORT_ONNX");
    case FileFormat::kUnknown: break;
  }
  throw ConvertError(name + ": is " + describe_other(name, bytes) +
                     ". Supported weights: PyTorch's torch.save(model.state_dict(), path), safetensors, "
                     "NumPy's .npz, Keras's .h5 and .keras, Paddle's .pdparams, and ONNX");
}

/// Tensors can be larger than their file: packed, of half precision, sharing or repeating elements. A few bytes must
/// not be gigabytes of weights for all that comes behind.
void check_expansion(const std::string& name, const WeightSource& source, uint64_t file_bytes) {
  const uint64_t allowed = most_unpacked_bytes(file_bytes);
  uint64_t total = 0;
  const TensorInfo* largest = nullptr;
  for (const TensorInfo& tensor : source.tensors()) {
    const uint64_t elements = tensor.num_elements();
    if (largest == nullptr || elements > largest->num_elements()) largest = &tensor;
    if (elements <= (allowed - total) / sizeof(float)) {
      total += elements * sizeof(float);
      continue;
    }
    throw ConvertError(name + ": its tensors, from the first to " + in_quotes(tensor.name) + ", have more than " +
                       std::to_string(allowed) + " bytes as floats, more than a file of " + std::to_string(file_bytes) +
                       " bytes should hold: elements are shared, repeated or packed; the largest is " +
                       in_quotes(largest->name) + ", " + shape_text(largest->shape) +
                       ". Save the model's weights alone, each with tensor.contiguous()");
  }
}

}  // namespace

OpenedWeights::OpenedWeights(std::unique_ptr<WeightSource> source, std::shared_ptr<const OnnxGraph> graph)
    : source_(std::move(source)), graph_(std::move(graph)) {}
OpenedWeights::OpenedWeights(OpenedWeights&&) noexcept = default;
OpenedWeights::~OpenedWeights() = default;

OpenedWeights parse_weights(std::string name, std::string_view bytes) {
  if (bytes.empty()) throw ConvertError(name + ": is empty; was it written or downloaded completely?");
  OpenedWeights opened = open_format(name, bytes);
  // A graph's constants may be in other files; none are repeated.
  if (opened.graph() == nullptr) check_expansion(name, *opened, bytes.size());
  return opened;
}

OpenedWeights open_weights(const std::filesystem::path& path) {
  std::error_code error;
  if (std::filesystem::is_directory(path, error)) throw ConvertError(path.string() + ": is " + describe_folder(path));
  auto file = std::make_unique<MappedFile>(path);
  OpenedWeights opened = parse_weights(path.string(), file->bytes());
  opened.file_ = std::move(file);
  return opened;
}

}  // namespace mmoe::converter
