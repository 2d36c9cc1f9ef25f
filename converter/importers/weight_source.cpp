#include "converter/importers/weight_source.h"

#include "converter/error.h"
#include "converter/importers/mapped_file.h"
#include "converter/importers/keras_source.h"
#include "converter/importers/messages.h"
#include "converter/importers/npy_array.h"
#include "converter/importers/numpy_source.h"
#include "converter/importers/onnx_graph.h"
#include "converter/importers/pickled_arrays.h"
#include "converter/importers/safetensors.h"
#include "converter/importers/torch_zip.h"
#include "converter/importers/zip_archive.h"

namespace mmoe::converter {
namespace {

static_assert(sizeof(size_t) >= sizeof(uint64_t), "the converter runs on 64-bit hosts; sizes are not narrowed");

using namespace std::string_view_literals;

// It is a pickle of a number of torch's, followed by more pickles.
constexpr std::string_view kOldTorch = "\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19"sv;

struct OtherFormat {
  size_t offset;
  std::string_view magic;
  const char* what;
};

// Files that users have been known to pass, by what they begin with. The first match wins.
constexpr OtherFormat kOtherFormats[] = {
    {0, kOldTorch,
     "a PyTorch file of the old format, from torch before 1.6 or _use_new_zipfile_serialization=False; load it and "
     "torch.save it again with a newer torch"},
    {0, "PK\x05\x06"sv, "an empty zip archive"},
    {0, "\x1f\x8b"sv, "gzip-compressed; unpack it first"},
    {0, "GGUF"sv, "a GGUF file"},
    {4, "TFL3"sv, "a TensorFlow Lite model"},
    {8, "MMOE"sv, "a model that mmoe-convert has written; its weights are already converted"},
    {257, "ustar"sv, "a tar archive (torch before 0.1.10 wrote these); unpack it, or save again with a newer torch"},
    {0, "version https://git-lfs"sv, "a Git LFS pointer, not the file itself; run git lfs pull"},
    {0, "<"sv, "a web page or XML, perhaps a failed download"},
};

std::string describe(std::string_view bytes) {
  for (const OtherFormat& format : kOtherFormats) {
    if (bytes.size() > format.offset && bytes.substr(format.offset, format.magic.size()) == format.magic) {
      return format.what;
    }
  }
  return "of no known format; it begins with " + in_quotes(bytes.substr(0, 16));
}

enum class ZipKind { kTorch, kNumpy, kKeras, kOther };

/// What a zip archive holds tells whose it is.
ZipKind zip_kind(const std::string& name, std::string_view bytes) {
  try {
    const ZipArchive archive(bytes);
    ZipKind kind = ZipKind::kOther;
    for (uint64_t i = 0; i < archive.num_entries(); ++i) {
      const std::string_view entry = archive.entry_name(i);
      if (ends_with(entry, "/data.pkl")) return ZipKind::kTorch;
      if (entry == "model.weights.h5") kind = ZipKind::kKeras;
      if (kind == ZipKind::kOther && ends_with(entry, ".npy")) kind = ZipKind::kNumpy;
    }
    return kind;
  } catch (const ConvertError& error) {
    throw ConvertError(name + ": " + error.what());
  }
}

std::unique_ptr<WeightSource> open_zip(std::string name, std::string_view bytes) {
  switch (zip_kind(name, bytes)) {
    case ZipKind::kTorch: return open_torch_zip(std::move(name), bytes);
    case ZipKind::kNumpy: return open_npz(std::move(name), bytes);
    case ZipKind::kKeras: return open_keras_archive(std::move(name), bytes);
    case ZipKind::kOther: break;
  }
  throw ConvertError(name + ": is a zip archive with neither data.pkl (PyTorch), .npy arrays (NumPy) nor "
                     "model.weights.h5 (Keras)");
}

/// A source together with the file that it reads from.
class MappedSource : public WeightSource {
 public:
  explicit MappedSource(const std::filesystem::path& path)
      : file_(path), source_(parse_weights(path.string(), file_.bytes())) {}

  const std::vector<TensorInfo>& tensors() const override { return source_->tensors(); }
  std::vector<float> read(size_t index) const override { return source_->read(index); }
  std::string format() const override { return source_->format(); }
  std::vector<TensorAlias> aliases() const override { return source_->aliases(); }
  const OnnxGraph* graph() const override { return source_->graph(); }

 private:
  MappedFile file_;  // outlives source_
  std::unique_ptr<WeightSource> source_;
};

}  // namespace

uint64_t TensorInfo::num_elements() const {
  uint64_t count = 1;
  for (const uint64_t size : shape) count *= size;
  return count;
}

std::unique_ptr<WeightSource> parse_weights(std::string name, std::string_view bytes) {
  if (bytes.empty()) throw ConvertError(name + ": is empty");
  if (looks_like_zip(bytes)) return open_zip(std::move(name), bytes);
  if (looks_like_npy(bytes)) return open_npy(std::move(name), bytes);
  if (looks_like_hdf5(bytes)) return open_keras_h5(std::move(name), bytes);
  if (looks_like_pickle(bytes) && bytes.substr(0, kOldTorch.size()) != kOldTorch) {
    return open_pickled_arrays(std::move(name), bytes);
  }
  if (looks_like_onnx(bytes)) return open_onnx(std::move(name), bytes);
  if (looks_like_safetensors(bytes)) return open_safetensors(std::move(name), bytes);
  throw ConvertError(name + ": is " + describe(bytes) +
                     ". Supported weights: PyTorch's torch.save(model.state_dict(), path), safetensors, "
                     "NumPy's .npz, Keras's .h5 and .keras, Paddle's .pdparams, and ONNX");
}

std::unique_ptr<WeightSource> open_weights(const std::filesystem::path& path) {
  return std::make_unique<MappedSource>(path);
}

}  // namespace mmoe::converter
