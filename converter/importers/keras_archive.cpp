// A .keras archive: the HDF5 file in it, and the configuration beside that.
#include <algorithm>
#include <map>
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
  std::map<std::string, std::string> vocabularies;
  ZipContents weights;
};

// "string_lookup" of "assets/layers/string_lookup/vocabulary.txt"; empty for another name.
std::string lookup_of(std::string_view name) {
  constexpr std::string_view kBegin = "assets/layers/", kEnd = "/vocabulary.txt";
  if (name.substr(0, kBegin.size()) != kBegin || name.size() <= kBegin.size() + kEnd.size()) return "";
  name.remove_prefix(kBegin.size());
  return ends_with(name, kEnd) ? std::string(name.substr(0, name.size() - kEnd.size())) : "";
}

std::map<std::string, std::string> read_vocabularies(const ZipArchive& archive) {
  std::map<std::string, std::string> vocabularies;
  for (uint64_t i = 0; i < archive.num_entries(); ++i) {
    const std::string name(archive.entry_name(i)), lookup = lookup_of(name);
    if (!lookup.empty()) vocabularies[lookup] = text_entry(archive, name);
  }
  return vocabularies;
}

KerasArchive unpack(std::string_view bytes) {
  const ZipArchive archive(bytes);
  const auto weights = archive.find("model.weights.h5");
  if (!weights) throw ConvertError("the archive has no model.weights.h5");
  std::string config = text_entry(archive, "config.json");
  if (archive.entry_bytes(*weights) > most_unpacked_bytes(bytes.size())) {
    throw ConvertError("the archive's model.weights.h5 is more than a file of this size should hold");
  }
  return {std::move(config), read_vocabularies(archive), archive.contents(*weights)};
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
  return open_keras_h5(std::move(name), archive.weights.bytes, archive.config, archive.vocabularies);
}

}  // namespace mmoe::converter
