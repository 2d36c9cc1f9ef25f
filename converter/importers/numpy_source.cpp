#include "converter/importers/numpy_source.h"

#include <filesystem>

#include "converter/importers/numpy_arrays.h"

namespace mmoe::converter {
namespace {

class NpySource : public NumpySource {
 public:
  NpySource(const std::string& name, std::string_view bytes) : NumpySource(name), bytes_(bytes) {
    add(std::filesystem::path(name).stem().string(), bytes.substr(0, kMaxNpyHeaderBytes), bytes.size());
  }

 private:
  std::string_view bytes_of(size_t) const override { return bytes_; }

  std::string_view bytes_;
};

}  // namespace

std::unique_ptr<WeightSource> open_npy(std::string name, std::string_view bytes) {
  return open_numpy<NpySource>(name, bytes);
}

}  // namespace mmoe::converter
