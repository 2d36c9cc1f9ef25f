#include "converter/importers/numpy_source.h"

#include <filesystem>
#include <map>

#include "converter/error.h"
#include "converter/importers/messages.h"
#include "converter/importers/npy_array.h"
#include "converter/importers/tensor_names.h"
#include "converter/importers/zip_archive.h"

namespace mmoe::converter {
namespace {

constexpr std::string_view kEnding = ".npy";
constexpr uint64_t kUsualHeaderBytes = 256;

std::string_view text_of(const std::vector<unsigned char>& bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

/// What both forms share: arrays that have been checked, and the errors' wording.
class NumpySource : public WeightSource {
 public:
  explicit NumpySource(std::string name) : name_(std::move(name)) {}

  const std::vector<TensorInfo>& tensors() const override { return tensors_; }
  std::string format() const override { return "numpy"; }

  void read(size_t index, uint64_t first, uint64_t count, float* to) const override {
    const TensorInfo& tensor = tensors_.at(index);
    const NpyArray& array = arrays_[index];
    if (!array.refusal.empty()) {
      throw ConvertError(name_ + ": tensor " + in_quotes(tensor.name) + " " + array.refusal);
    }
    if (!is_readable(array.dtype)) throw ConvertError(name_ + ": " + unreadable_message(tensor.name, tensor.dtype));
    try {
      read_npy(array, bytes_of(index), first, count, to);
    } catch (const ConvertError& error) {
      throw ConvertError(name_ + ": tensor " + in_quotes(tensor.name) + ": " + error.what());
    }
  }

 protected:
  void add(std::string_view tensor, std::string_view start, uint64_t bytes) {
    names_.add(tensor);
    try {
      arrays_.push_back(parse_npy(start, bytes));
    } catch (const ConvertError& error) {
      throw ConvertError("tensor " + in_quotes(tensor) + ": " + error.what());
    }
    const NpyArray& array = arrays_.back();
    const std::string_view dtype = array.refusal.empty() ? dtype_info(array.dtype).name : "unreadable";
    tensors_.push_back({std::string(tensor), array.view.shape, std::string(dtype)});
  }

  /// The file of one array.
  virtual std::string_view bytes_of(size_t index) const = 0;

 private:
  std::string name_;
  TensorNames names_;
  std::vector<TensorInfo> tensors_;
  std::vector<NpyArray> arrays_;
};

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
  std::vector<uint64_t> entries_;  // of each tensor
  mutable std::map<size_t, ZipContents> contents_;  // a cache of those that have been read
};

class NpySource : public NumpySource {
 public:
  NpySource(const std::string& name, std::string_view bytes) : NumpySource(name), bytes_(bytes) {
    add(std::filesystem::path(name).stem().string(), bytes.substr(0, kMaxNpyHeaderBytes), bytes.size());
  }

 private:
  std::string_view bytes_of(size_t) const override { return bytes_; }

  std::string_view bytes_;
};

template <class Source>
std::unique_ptr<WeightSource> open(const std::string& name, std::string_view bytes) {
  try {
    return std::make_unique<Source>(name, bytes);
  } catch (const ConvertError& error) {
    throw ConvertError(name + ": " + error.what());
  }
}

}  // namespace

std::unique_ptr<WeightSource> open_npz(std::string name, std::string_view bytes) {
  return open<NpzSource>(name, bytes);
}

std::unique_ptr<WeightSource> open_npy(std::string name, std::string_view bytes) {
  return open<NpySource>(name, bytes);
}

}  // namespace mmoe::converter
