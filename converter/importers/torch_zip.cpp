#include "converter/importers/torch_zip.h"

#include <algorithm>
#include <map>
#include <optional>
#include <set>

#include "converter/error.h"
#include "converter/importers/messages.h"
#include "converter/importers/state_dict.h"
#include "converter/importers/zip_archive.h"

namespace mmoe::converter {
namespace {

constexpr std::string_view kPickleName = "/data.pkl";
constexpr uint64_t kMaxPickleBytes = uint64_t{1} << 27;  // some hundred thousand tensors take 64 MiB

/// Reading a pickle takes 40 bytes of memory for each of its bytes, which a packed one can have far more of than the
/// archive.
uint64_t most_pickle_bytes(uint64_t archive_bytes) {
  constexpr uint64_t kTimes = 16, kAlways = uint64_t{1} << 20;
  return archive_bytes > kMaxPickleBytes / kTimes ? kMaxPickleBytes : kTimes * archive_bytes + kAlways;
}

/// The directory that everything is in: named after the file that was saved to, so it can be anything.
std::string find_root(const ZipArchive& archive) {
  std::optional<std::string> root;
  for (uint64_t i = 0; i < archive.num_entries(); ++i) {
    const std::string_view name = archive.entry_name(i);
    if (!ends_with(name, kPickleName)) continue;
    if (root) throw ConvertError("the archive has two data.pkl, in " + in_quotes(*root) + " and " + in_quotes(name));
    root = std::string(name.substr(0, name.size() - kPickleName.size()));
  }
  if (!root) throw ConvertError("is a zip archive without data.pkl: not written by torch.save");
  return *root;
}

void refuse_torchscript(const ZipArchive& archive, const std::string& root) {
  const std::string code = root + "/code/";
  for (uint64_t i = 0; i < archive.num_entries(); ++i) {
    if (archive.entry_name(i).substr(0, code.size()) == code) {
      throw ConvertError(
          "is a TorchScript program, from torch.jit.save; expected its weights: "
          "torch.save(torch.jit.load(path).state_dict(), other_path)");
    }
  }
}

bool is_big_endian(const ZipArchive& archive, const std::string& root) {
  const auto entry = archive.find(root + "/byteorder");
  if (!entry) return false;  // torch before 2.1 wrote none, and little-endian machines wrote the files
  if (archive.entry_bytes(*entry) > 16) throw ConvertError("the archive's entry 'byteorder' is damaged");
  const std::vector<unsigned char> order = archive.read(*entry);
  const std::string text(order.begin(), order.end());
  if (text != "little" && text != "big") {
    throw ConvertError("byteorder is " + in_quotes(text) + "; expected little or big");
  }
  return text == "big";
}

std::vector<unsigned char> read_pickle(const ZipArchive& archive, const std::string& root) {
  const auto entry = archive.find(root + std::string(kPickleName));
  if (!entry) throw ConvertError("the archive's data.pkl cannot be found: the archive is damaged");
  const uint64_t allowed = most_pickle_bytes(archive.num_bytes());
  if (archive.entry_bytes(*entry) > allowed) {
    throw ConvertError("data.pkl has " + std::to_string(archive.entry_bytes(*entry)) +
                       " bytes, but one in an archive of " + std::to_string(archive.num_bytes()) +
                       " bytes may have at most " + std::to_string(allowed));
  }
  return archive.read(*entry);
}

constexpr std::string_view kWeightEnd = ".weight";

/// (code - zero point) * scale, of all elements or of each index of an axis.
struct Scales {
  std::vector<float> scale, zero_point;
  uint64_t inner = 1;  ///< elements of one index

  void apply(uint64_t first, uint64_t count, float* codes) const {
    for (uint64_t i = 0; i < count; ++i) {
      const size_t channel = scale.size() == 1 ? 0 : static_cast<size_t>((first + i) / inner % scale.size());
      codes[i] = (codes[i] - zero_point[channel]) * scale[channel];
    }
  }
};

class TorchSource : public WeightSource {
 public:
  TorchSource(std::string name, std::string_view bytes) : name_(std::move(name)), archive_(bytes) {
    const std::string root = find_root(archive_);
    refuse_torchscript(archive_, root);
    big_endian_ = is_big_endian(archive_, root);
    const std::vector<unsigned char> pickle = read_pickle(archive_, root);
    PickleValues values;
    const PickleRef top = parse_pickle({reinterpret_cast<const char*>(pickle.data()), pickle.size()}, values);
    for (StateDictTensor& tensor : find_state_dict(values, top)) add(root, std::move(tensor));
    forget_unit_scales();
  }

  const std::vector<TensorInfo>& tensors() const override { return tensors_; }
  std::string format() const override { return "pytorch"; }

  void read(size_t index, uint64_t first, uint64_t count, float* to) const override {
    const TensorInfo& tensor = tensors_.at(index);
    const Stored& stored = stored_[index];
    if (!is_readable(stored.dtype)) throw ConvertError(name_ + ": " + unreadable_message(tensor.name, tensor.dtype));
    if (!stored.numbers.empty()) return void(std::copy_n(stored.numbers.data() + first, count, to));
    try {
      read_view(stored.view, elements(stored), first, count, to);
      if (stored.scales) stored.scales->apply(first, count, to);
    } catch (const ConvertError& error) {
      throw ConvertError(name_ + ": tensor " + in_quotes(tensor.name) + ": " + error.what());
    }
  }

 private:
  struct Stored {
    DType dtype = DType::kF32;
    uint64_t entry = 0;  // of the archive
    StridedView view{};
    std::optional<Scales> scales{};  // the elements are codes
    std::vector<float> numbers{};    // not empty: in place of the above
  };

  ElementArray elements(const Stored& stored) const {
    return {reinterpret_cast<const unsigned char*>(storage(stored.entry).data()), stored.dtype, big_endian_};
  }

  void add(const std::string& root, StateDictTensor tensor) {
    Stored stored{tensor.dtype, find_storage(root, tensor), tensor.view};
    TensorInfo info{std::move(tensor.name), tensor.view.shape, std::string(dtype_info(tensor.dtype).name)};
    if (tensor.codes && tensor.codes->real_zero_points) {
      add_row_numbers(root, *tensor.codes, info);
    } else if (tensor.codes) {
      info.dtype = "f32";
      info.coded = true;
      stored.scales = scales_of(root, *tensor.codes, tensor.view.shape);
    }
    tensors_.push_back(std::move(info));
    stored_.push_back(std::move(stored));
  }

  std::vector<float> read_numbers(const std::string& root, const StateDictTensor& tensor) const {
    return read_view(tensor.view, elements({tensor.dtype, find_storage(root, tensor), {}}));
  }

  Scales scales_of(const std::string& root, const TensorCodes& codes, const std::vector<uint64_t>& shape) const {
    Scales scales{{static_cast<float>(codes.scale)}, {static_cast<float>(codes.zero_point)}};
    if (!codes.axis) return scales;
    scales.scale = read_numbers(root, codes.numbers[0]);
    scales.zero_point = read_numbers(root, codes.numbers[1]);
    for (size_t axis = *codes.axis + 1; axis < shape.size(); ++axis) scales.inner *= shape[axis];
    return scales;
  }

  // An embedding's rows: code * scale + bias, as torch itself calculates them. Named as TorchRec names such tensors.
  void add_row_numbers(const std::string& root, const TensorCodes& codes, const TensorInfo& info) {
    if (info.shape.size() != 2 || codes.axis != 0u || info.shape[0] == 0) {
      throw ConvertError("tensor " + in_quotes(info.name) + ": is quantised in another way than row by row");
    }
    const std::vector<float> scale = read_numbers(root, codes.numbers[0]);
    std::vector<float> bias = read_numbers(root, codes.numbers[1]);
    for (size_t i = 0; i < bias.size(); ++i) bias[i] = -bias[i] * scale[i];
    for (const bool is_bias : {false, true}) {
      tensors_.push_back({info.name + (is_bias ? "_qbias" : "_qscale"), {info.shape[0], 1}, "f32"});
      Stored& stored = stored_.emplace_back();
      stored.numbers = is_bias ? bias : scale;
    }
  }

  // `fc.scale` and `fc.zero_point` are of a layer's outputs. A layer whose outputs are floats has 1 and 0 there.
  void forget_unit_scales() {
    std::map<std::string, size_t> by_name;
    for (size_t i = 0; i < tensors_.size(); ++i) by_name.emplace(tensors_[i].name, i);
    const auto is_scalar = [&](const std::string& name, float value) {
      const auto found = by_name.find(name);
      return found != by_name.end() && tensors_[found->second].shape.empty() &&
             WeightSource::read(found->second)[0] == value;
    };
    std::set<std::string> forgotten;
    for (const TensorInfo& info : tensors_) {
      if (!info.coded || !ends_with(info.name, kWeightEnd)) continue;
      const std::string module = info.name.substr(0, info.name.size() - kWeightEnd.size());
      if (is_scalar(module + ".scale", 1) && is_scalar(module + ".zero_point", 0)) {
        forgotten.insert({module + ".scale", module + ".zero_point"});
      }
    }
    for (size_t i = tensors_.size(); i-- > 0;) {
      if (forgotten.count(tensors_[i].name) == 0) continue;
      tensors_.erase(tensors_.begin() + static_cast<std::ptrdiff_t>(i));
      stored_.erase(stored_.begin() + static_cast<std::ptrdiff_t>(i));
    }
  }

  uint64_t find_storage(const std::string& root, const StateDictTensor& tensor) const {
    const std::string where = "tensor " + in_quotes(tensor.name) + ": its storage " + in_quotes(tensor.storage_key);
    if (tensor.storage_key.size() > 64) throw ConvertError(where + " has no usable name");
    const auto entry = archive_.find(root + "/data/" + std::string(tensor.storage_key));
    if (!entry) throw ConvertError(where + " is not in the archive");
    const uint64_t found = archive_.entry_bytes(*entry);
    if (found != tensor.storage_bytes) {
      throw ConvertError(where + " is declared with " + std::to_string(tensor.storage_bytes) +
                         " bytes, but the archive holds " + std::to_string(found));
    }
    return *entry;
  }

  std::string_view storage(uint64_t entry) const {
    const auto found = storages_.find(entry);
    return found != storages_.end() ? found->second.bytes
                                    : storages_.emplace(entry, archive_.contents(entry)).first->second.bytes;
  }

  std::string name_;
  ZipArchive archive_;
  bool big_endian_ = false;
  std::vector<TensorInfo> tensors_;
  std::vector<Stored> stored_;
  mutable std::map<uint64_t, ZipContents> storages_;  // a cache: reading does not change what the source holds
};

}  // namespace

std::unique_ptr<WeightSource> open_torch_zip(std::string name, std::string_view bytes) {
  try {
    return std::make_unique<TorchSource>(name, bytes);
  } catch (const ConvertError& error) {
    throw ConvertError(name + ": " + error.what());
  }
}

}  // namespace mmoe::converter
