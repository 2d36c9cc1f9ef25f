// NumPy's archives of arrays. In a file of its own, so that a build without libzip leaves it out.
#include <map>

#include "converter/importers/numpy_arrays.h"
#include "converter/importers/numpy_source.h"
#include "converter/importers/zip_archive.h"

namespace mmoe::converter {
namespace {

constexpr std::string_view kEnding = ".npy";
constexpr uint64_t kUsualHeaderBytes = 256;

std::string_view text_of(const std::vector<unsigned char>& bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

class NpzSource : public NumpySource {
 public:
  NpzSource(const std::string& name, std::string_view bytes) : NumpySource(name), archive_(bytes) {
    for (uint64_t i = 0; i < archive_.num_entries(); ++i) {
      const std::string_view entry = archive_.entry_name(i);
      if (!ends_with(entry, kEnding)) continue;
      // An archive may have very many entries, and a header is short.
      std::vector<unsigned char> start = archive_.read_start(i, kUsualHeaderBytes);
      if (const uint64_t header = npy_header_bytes(text_of(start)); header > start.size()) {
        start = archive_.read_start(i, header);
      }
      add(entry.substr(0, entry.size() - kEnding.size()), text_of(start), archive_.entry_bytes(i));
      entries_.push_back(i);
    }
  }

 private:
  std::string_view bytes_of(size_t index) const override {
    const auto found = contents_.find(index);
    return found != contents_.end() ? found->second.bytes
                                    : contents_.emplace(index, archive_.contents(entries_[index])).first->second.bytes;
  }

  ZipArchive archive_;
  std::vector<uint64_t> entries_;                   // of each tensor
  mutable std::map<size_t, ZipContents> contents_;  // a cache of those that have been read
};

}  // namespace

std::unique_ptr<WeightSource> open_npz(std::string name, std::string_view bytes) {
  return open_numpy<NpzSource>(name, bytes);
}

}  // namespace mmoe::converter
