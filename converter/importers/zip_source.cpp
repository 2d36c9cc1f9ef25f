#include "converter/importers/zip_source.h"

#include <utility>

#include "converter/error.h"
#include "converter/importers/keras_source.h"
#include "converter/importers/left_out.h"
#include "converter/importers/numpy_source.h"
#include "converter/importers/torch_zip.h"
#include "converter/importers/zip_archive.h"

namespace mmoe::converter {
namespace {

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

}  // namespace

std::unique_ptr<WeightSource> open_zip(std::string name, std::string_view bytes) {
  switch (zip_kind(name, bytes)) {
    case ZipKind::kTorch: return open_torch_zip(std::move(name), bytes);
    case ZipKind::kNumpy: return open_npz(std::move(name), bytes);
    case ZipKind::kKeras:
      if constexpr (kReadsHdf5) return open_keras_archive(std::move(name), bytes);
      refuse_left_out(name, "a .keras archive", "the HDF5 library", "libhdf5-dev", "MMOE_IMPORT_HDF5");
    case ZipKind::kOther: break;
  }
  throw ConvertError(name +
                     ": is a zip archive with neither data.pkl (PyTorch), .npy arrays (NumPy) nor "
                     "model.weights.h5 (Keras)");
}

}  // namespace mmoe::converter
