// A .keras archive: the HDF5 file in it, and the configuration beside that.
#include <algorithm>
#include <vector>

#include "converter/error.h"
#include "converter/importers/expansion.h"
#include "converter/importers/keras_source.h"
#include "converter/importers/zip_archive.h"

namespace mmoe::converter {
namespace {

std::string text_entry(const ZipArchive& archive, const std::string& name) {
  const auto entry = archive.find(name);
  if (!entry) return "";
  const uint64_t allowed = std::min(256 * kMiB, most_unpacked_bytes(archive.num_bytes()));
  if (archive.entry_bytes(*entry) > allowed) {
    throw ConvertError(name + " has " + std::to_string(archive.entry_bytes(*entry)) + " bytes; at most " +
                       std::to_string(allowed) + " are allowed in an archive of this size");
  }
  const std::vector<unsigned char> bytes = archive.read(*entry);
  return {bytes.begin(), bytes.end()};
}

struct KerasArchive {
  std::string config;
  ZipContents weights;
};

KerasArchive unpack(std::string_view bytes) {
  const ZipArchive archive(bytes);
  const auto weights = archive.find("model.weights.h5");
  if (!weights) throw ConvertError("the archive has no model.weights.h5");
  std::string config = text_entry(archive, "config.json");
  if (archive.entry_bytes(*weights) > most_unpacked_bytes(bytes.size())) {
    throw ConvertError("the archive's model.weights.h5 is more than a file of this size should hold");
  }
  return {std::move(config), archive.contents(*weights)};
}

KerasArchive unpack(const std::string& name, std::string_view bytes) {
  try {
    return unpack(bytes);
  } catch (const ConvertError& error) {
    throw ConvertError(name + ": " + error.what());
  }
}

}  // namespace

std::unique_ptr<WeightSource> open_keras_archive(std::string name, std::string_view bytes) {
  const KerasArchive archive = unpack(name, bytes);
  return open_keras_h5(std::move(name), archive.weights.bytes, archive.config);
}

}  // namespace mmoe::converter
