#include "converter/importers/keras_source.h"

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>

#include "converter/error.h"
#include "converter/importers/child_process.h"
#include "converter/importers/expansion.h"
#include "converter/importers/float_convert.h"
#include "converter/importers/hdf5_file.h"
#include "converter/importers/keras_config.h"
#include "converter/importers/keras_names.h"
#include "converter/importers/messages.h"
#include "converter/importers/safetensors.h"
#include "converter/importers/tensor_names.h"
#include "converter/shape_text.h"

namespace mmoe::converter {
namespace {

using OrderedJson = nlohmann::ordered_json;

// ---------------------------------------------------------------------------------------- in the child

/// An attribute that Keras cuts into `name0`, `name1`, ... when it is too long for one.
std::vector<std::string> long_texts(const Hdf5File& file, const std::string& group, const std::string& name) {
  std::vector<std::string> all = file.texts(group, name);
  for (size_t part = 0; all.empty() || part > 0; ++part) {
    const std::vector<std::string> texts = file.texts(group, name + std::to_string(part));
    if (texts.empty()) break;
    all.insert(all.end(), texts.begin(), texts.end());
  }
  return all;
}

KerasFile describe(const Hdf5File& file, std::string config) {
  KerasFile keras;
  for (const Hdf5Dataset& dataset : file.datasets()) {
    keras.paths.push_back(dataset.path);
    keras.shapes.push_back(dataset.shape);
  }
  keras.config = std::move(config);
  const std::vector<std::string> attribute = file.texts("", "model_config");
  if (keras.config.empty() && !attribute.empty()) keras.config = attribute.front();
  keras.layer_names = long_texts(file, file.has_group("model_weights") ? "model_weights" : "", "layer_names");
  keras.written_name = [&file](const std::string& path) {
    const std::vector<std::string> texts = file.has_group(path) ? file.texts(path, "name") : std::vector<std::string>();
    return texts.empty() ? std::string() : texts.front();
  };
  return keras;
}

/// What the parent gets: a JSON object of aliases and the model's config behind its length, and a safetensors file. One
/// writer and one reader the fewer, and the reader is used to hostile files.
void copy_tensors(const Hdf5File& file, const KerasNames& names, const std::string& config, uint64_t allowed,
                  ChildSink& sink) {
  TensorNames unique;
  OrderedJson header = OrderedJson::object(), aliases = OrderedJson::array();
  uint64_t total = 0;
  for (const KerasTensor& tensor : names.tensors) {
    const Hdf5Dataset& dataset = file.datasets()[tensor.dataset];
    unique.add(tensor.name);
    const uint64_t bytes = dataset.num_bytes();
    if (bytes > allowed - total) {
      throw ConvertError("tensor " + in_quotes(tensor.name) + ": shape " + shape_text(dataset.shape) +
                         " is more than a file of this size should hold");
    }
    // Behind the others without a search for the name, which is known to be new.
    header.get_ref<OrderedJson::object_t&>().emplace_back(tensor.name,
                                                          OrderedJson{{"dtype", dtype_info(dataset.dtype).safetensors},
                                                                      {"shape", dataset.shape},
                                                                      {"data_offsets", {total, total + bytes}}});
    total += bytes;
  }
  for (const TensorAlias& alias : names.aliases) aliases.push_back({alias.name, names.tensors[alias.tensor].name});
  OrderedJson description = {{"aliases", std::move(aliases)}, {"config", config}};
  for (const OrderedJson* part : {&description, &header}) {
    const std::string text = part->dump(-1, ' ', false, OrderedJson::error_handler_t::replace);
    const uint64_t length = text.size();
    sink.write(&length, kLengthBytes);
    sink.write(text);
  }
  for (const KerasTensor& tensor : names.tensors) {
    file.read(file.datasets()[tensor.dataset], [&](const void* bytes, size_t size) { sink.write(bytes, size); });
  }
}

// ---------------------------------------------------------------------------------------- in the parent

class KerasSource : public WeightSource {
 public:
  KerasSource(const std::string& name, std::string_view bytes, const std::string& config,
              const std::map<std::string, std::string>& vocabularies)
      : copy_(copy_in_child(bytes, config)) {
    const std::string_view text = copy_.map();
    const auto length = load_little_endian<uint64_t>(reinterpret_cast<const unsigned char*>(text.data()));
    tensors_ = open_safetensors(name, text.substr(kLengthBytes + length));
    const OrderedJson description = OrderedJson::parse(text.substr(kLengthBytes, length));
    read_aliases(description["aliases"]);
    layers_ = read_keras_config(description["config"].get<std::string>());
    add_vocabularies(vocabularies);
  }

  const std::vector<TensorInfo>& tensors() const override { return tensors_->tensors(); }
  void read(size_t index, uint64_t first, uint64_t count, float* to) const override {
    tensors_->read(index, first, count, to);
  }
  std::string format() const override { return "keras"; }
  std::vector<TensorAlias> aliases() const override { return aliases_; }
  const std::vector<KerasLayer>& keras_layers() const override { return layers_; }

 private:
  static ScratchFile copy_in_child(std::string_view bytes, const std::string& config) {
    const uint64_t allowed = most_unpacked_bytes(bytes.size());
    const ChildLimits limits = {1024 * kMiB, allowed + 512 * kMiB,
                                static_cast<unsigned>(5 + bytes.size() / (10 * kMiB))};
    const auto work = [&](ChildSink& sink) {
      const Hdf5File file(bytes);
      const KerasFile keras = describe(file, config);
      const KerasNames names = name_keras_tensors(keras);
      if (names.tensors.empty()) throw ConvertError("the HDF5 file holds no tensors");
      copy_tensors(file, names, keras.config, allowed, sink);
    };
    return run_in_child(work, limits, bytes.size(), "the HDF5 library");
  }

  // Keras numbers what it stores of layers by their kind.
  void add_vocabularies(const std::map<std::string, std::string>& vocabularies) {
    std::map<std::string, size_t> of_kind;
    for (KerasLayer& layer : layers_) {
      const size_t number = of_kind[layer.kind]++;
      const auto found = vocabularies.find(number == 0 ? layer.kind : layer.kind + "_" + std::to_string(number));
      if (found != vocabularies.end()) layer.vocabulary = found->second;
    }
  }

  void read_aliases(const OrderedJson& aliases) {
    std::map<std::string, size_t> index;
    for (size_t i = 0; i < tensors().size(); ++i) index[tensors()[i].name] = i;
    for (const OrderedJson& pair : aliases) {
      aliases_.push_back({pair[0].get<std::string>(), index.at(pair[1].get<std::string>())});
    }
  }

  ScratchFile copy_;  // outlives tensors_
  std::unique_ptr<WeightSource> tensors_;
  std::vector<TensorAlias> aliases_;
  std::vector<KerasLayer> layers_;
};

}  // namespace

std::unique_ptr<WeightSource> open_keras_h5(std::string name, std::string_view bytes, const std::string& config,
                                            const std::map<std::string, std::string>& vocabularies) {
  try {
    return std::make_unique<KerasSource>(name, bytes, config, vocabularies);
  } catch (const ConvertError& error) {
    throw ConvertError(name + ": " + error.what());
  }
}

}  // namespace mmoe::converter
