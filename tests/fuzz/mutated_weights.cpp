#include "tests/fuzz/mutated_weights.h"

#include <algorithm>
#include <fstream>
#include <map>

#include "converter/importers/open_weights.h"
#include "tests/unit/random.h"

namespace mmoe::fuzz {

namespace fs = std::filesystem;
using converter::TensorInfo;
using Json = nlohmann::ordered_json;

namespace {

Fixture read_fixture(const std::string& name, const fs::path& weights, const fs::path& description) {
  Fixture fixture{name, description.parent_path(), {}, {}, Json::parse(std::ifstream(description)), {}};
  const std::string file = name + ".preprocessing.json";
  if (fs::exists(fixture.folder / file)) fixture.files[file] = Json::parse(std::ifstream(fixture.folder / file));
  const auto source = converter::open_weights(weights);
  for (size_t i = 0; i < source->tensors().size(); ++i) {
    try {
      fixture.data.push_back(source->read(i));
    } catch (const std::exception&) {
      continue;  // counters of whole numbers
    }
    fixture.tensors.push_back(source->tensors()[i]);
  }
  return fixture;
}

// ---------------------------------------------------------------------------------------- tensors
std::string mutated_name(std::string name, const Fixture& fixture, ByteSource& bytes) {
  switch (bytes.below(6)) {
    case 0: return name + bytes.pick({"0", "_1", ".weight", ".bias", "x"});
    case 1: return bytes.pick({"module.", "model.", "_orig_mod.", "net.", ""}) + name;
    case 2: return fixture.tensors.empty() ? name : fixture.tensors[bytes.below(fixture.tensors.size())].name + "2";
    case 3: name.erase(bytes.below(name.size() + 1) % std::max<size_t>(1, name.size()), 1); return name;
    default: break;
  }
  // A digit becomes another: other experts, layers and tasks.
  std::vector<size_t> digits;
  for (size_t i = 0; i < name.size(); ++i) {
    if (name[i] >= '0' && name[i] <= '9') digits.push_back(i);
  }
  if (digits.empty()) return name + "9";
  name[digits[bytes.below(digits.size())]] = static_cast<char>('0' + bytes.below(10));
  return name;
}

void reshape(TensorInfo& info, std::vector<float>& data, ByteSource& bytes) {
  switch (bytes.below(4)) {
    case 0: std::reverse(info.shape.begin(), info.shape.end()); return;
    case 1: info.shape.push_back(1); return;
    case 2: info.shape = {data.size()}; return;
    default: break;
  }
  if (info.shape.empty()) return;
  uint64_t& length = info.shape[bytes.below(info.shape.size())];
  length = bytes.chance(128) ? length + 1 : length - (length > 1 ? 1 : 0);
  data.resize(info.num_elements(), info.dtype == "u8" ? 1.0f : 0.25f);
}

/// Of a tensor of bytes: in them are codes, scales and biases.
void change_bytes(std::vector<float>& data, ByteSource& bytes) {
  const size_t first = bytes.below(std::min<size_t>(data.size(), 65536)), count = 1 + bytes.below(8);
  for (size_t i = first; i < std::min(data.size(), first + count); ++i) data[i] = static_cast<float>(bytes.below(256));
}

/// Half a step between two codes, so that the weights are no products of codes any more; or codes beyond 8 bits.
void change_codes(std::vector<float>& data, ByteSource& bytes) {
  float& value = data[bytes.below(std::min<size_t>(data.size(), 65536))];
  value *= bytes.pick({0.5f, 1.5f, 2.0f, 300.0f, -1.0f, 1.000001f});
}

void change_values(const TensorInfo& info, std::vector<float>& data, ByteSource& bytes) {
  if (data.empty()) return;
  if (info.dtype == "u8") return change_bytes(data, bytes);
  if (info.coded && bytes.chance(128)) return change_codes(data, bytes);
  // Not so large that a square exceeds a float: the file's scores then differ from double precision, and rightly.
  const float value = bytes.pick({0.0f, 1.0f, -1.0f, 1e-30f, 1e4f, -0.0f, 1e-3f});
  if (bytes.chance(128)) {
    std::fill(data.begin(), data.end(), value);
  } else {
    data[bytes.below(std::min<size_t>(data.size(), 65536))] = value;
  }
}

// ---------------------------------------------------------------------------------------- JSON
void collect(const Json& node, const Json::json_pointer& where, std::vector<Json::json_pointer>& places) {
  places.push_back(where);
  if (node.is_object()) {
    for (const auto& [key, value] : node.items()) collect(value, where / key, places);
  } else if (node.is_array()) {
    for (size_t i = 0; i < node.size(); ++i) collect(node[i], where / i, places);
  }
}

Json::json_pointer some_place(const Json& json, ByteSource& bytes) {
  std::vector<Json::json_pointer> places;
  collect(json, Json::json_pointer(), places);
  return places[bytes.below(std::min<size_t>(places.size(), 65536))];
}

const char* const kKeys[] = {"name",
                             "features",
                             "levels",
                             "experts",
                             "gates",
                             "towers",
                             "tasks",
                             "trunk",
                             "layers",
                             "output",
                             "activation",
                             "last_activation",
                             "slopes",
                             "dice",
                             "batch_norm",
                             "batch_norm_epsilon",
                             "batch_norm_position",
                             "layer_norm",
                             "layer_norm_position",
                             "weight",
                             "bias",
                             "output_weight",
                             "output_bias",
                             "orientation",
                             "first_expert",
                             "num_experts",
                             "per",
                             "reads",
                             "logits",
                             "hidden",
                             "mixes",
                             "top_k",
                             "top_k_mode",
                             "temperature",
                             "constant",
                             "link",
                             "ignore",
                             "derived",
                             "split",
                             "chunks",
                             "slice",
                             "axis",
                             "count",
                             "first",
                             "tucker",
                             "kind",
                             "side",
                             "width",
                             "scale",
                             "clip",
                             "function",
                             "power",
                             "projection",
                             "missing",
                             "vocabulary",
                             "bounds",
                             "values",
                             "hash",
                             "buckets",
                             "seed",
                             "of",
                             "modulo",
                             "mask",
                             "first_id",
                             "unknown",
                             "embedding",
                             "first_row",
                             "quantised",
                             "embedding_width",
                             "length",
                             "pooling",
                             "padding_id",
                             "shared_dim",
                             "input_dim",
                             "field_dims",
                             "recipe",
                             "model",
                             "embedding_name",
                             "shared_with",
                             "softmax_column",
                             "product",
                             "tower",
                             "clamp",
                             "shift",
                             "weight_scales",
                             "selector_weights",
                             "gamma",
                             "static",
                             "expected_value",
                             "log_softmax_column",
                             "column",
                             "number",
                             "divide_by",
                             "min",
                             "max",
                             "alpha",
                             "beta",
                             "threshold",
                             "value"};

Json some_value(const Json& json, ByteSource& bytes) {
  switch (bytes.below(9)) {
    case 0: return bytes.below(300);
    case 1: return -static_cast<int>(bytes.below(5));
    case 2: return bytes.pick({0.5, 1e-9, 1e300, -3.0, 4294967296.0});
    case 3:
      return bytes.pick({"relu",
                         "sigmoid",
                         "identity",
                         "prelu",
                         "smooth_step",
                         "softmax",
                         "dice",
                         "mish",
                         "uniform",
                         "experts.{expert}.{layer}",
                         "{task}",
                         "*",
                         "",
                         "in_out",
                         "input",
                         "after_activation",
                         "task",
                         "zero",
                         "{layer}",
                         "fbgemm_u8",
                         "fbgemm_u4",
                         "torchrec_u8",
                         "torchrec_u4",
                         "torchrec_f16"});
    case 4: return Json::array();
    case 5: return Json::object();
    case 6: return bytes.chance(128);
    default: return json[some_place(json, bytes)];
  }
}

void change_text(std::string& text, ByteSource& bytes) {
  switch (bytes.below(4)) {
    case 0: text += bytes.pick({"{layer}", "{task}", "{expert}", "{level}", ".weight", "*", "#0", ">"}); break;
    case 1: text.resize(text.size() / 2); break;
    case 2: text = bytes.pick({"relu", "tanh", "gelu", "softplus", "mish", "linear", "softmax_column"}); break;
    default:
      if (text.empty()) break;
      text[bytes.below(std::min<size_t>(text.size(), 65536))] = static_cast<char>('a' + bytes.below(26));
  }
}

void change_json(Json& json, ByteSource& bytes) {
  const Json::json_pointer place = some_place(json, bytes);
  Json& node = json[place];
  switch (bytes.below(7)) {
    case 0:
      if (!place.empty()) {
        Json& parent = json[place.parent_pointer()];
        if (parent.is_object())
          parent.erase(place.back());
        else
          parent.erase(static_cast<size_t>(std::stoul(place.back())));
      }
      return;
    case 1: {
      const Json value = some_value(json, bytes);
      json[place] = value;
      return;
    }
    case 2:
      if (node.is_string()) {
        std::string text = node.get<std::string>();
        change_text(text, bytes);
        node = text;
      }
      return;
    case 3:
      if (node.is_array() && !node.empty()) {
        const Json copy = node[bytes.below(node.size())];
        node.push_back(copy);
      }
      return;
    case 4:
      if (node.is_array() && node.size() > 1) std::swap(node[0], node[bytes.below(node.size())]);
      return;
    default:
      if (node.is_object()) {
        const Json value = some_value(json, bytes);
        json[place][kKeys[bytes.below(std::size(kKeys))]] = value;
      }
  }
}

}  // namespace

void Fixture::mutate_tensors(ByteSource& bytes) {
  const size_t count = bytes.below(4);
  for (size_t i = 0; i < count && !tensors.empty(); ++i) {
    const size_t index = bytes.below(tensors.size());
    switch (bytes.below(8)) {
      case 0: tensors[index].name = mutated_name(tensors[index].name, *this, bytes); break;
      case 1:
        tensors.erase(tensors.begin() + static_cast<std::ptrdiff_t>(index));
        data.erase(data.begin() + static_cast<std::ptrdiff_t>(index));
        break;
      case 2: {
        TensorInfo copy = tensors[index];
        copy.name = mutated_name(copy.name, *this, bytes);
        std::vector<float> values = data[index];
        tensors.push_back(std::move(copy));
        data.push_back(std::move(values));
        break;
      }
      case 3: reshape(tensors[index], data[index], bytes); break;
      case 4: {
        const size_t other = bytes.below(tensors.size());
        std::swap(tensors[index], tensors[other]);
        std::swap(data[index], data[other]);
        break;
      }
      case 5: {
        const size_t other = bytes.below(tensors.size());
        std::swap(tensors[index].name, tensors[other].name);
        break;
      }
      case 6: change_values(tensors[index], data[index], bytes); break;
      default:
        tensors.push_back({bytes.pick({"extra.weight", "loss weight", "norm.0.weight", "gate.bias"}), {2}, "f32"});
        data.push_back({0.5f, -0.5f});
    }
  }
  // Two tensors of one name are no file that an importer gives.
  std::map<std::string, int> seen;
  for (TensorInfo& info : tensors) {
    if (seen[info.name]++ != 0) info.name += "~" + std::to_string(seen.size());
  }
}

void Fixture::mutate_description(ByteSource& bytes) {
  const size_t count = bytes.below(4);
  for (size_t i = 0; i < count; ++i) change_json(description, bytes);
  for (auto& [path, file] : files) {
    const size_t changes = bytes.below(4);
    for (size_t i = 0; i < changes; ++i) change_json(file, bytes);
  }
}

std::vector<Fixture> read_fixtures(const std::vector<fs::path>& folders) {
  std::vector<Fixture> fixtures;
  for (const fs::path& folder : folders) {
    for (const fs::directory_entry& entry : fs::directory_iterator(folder)) {
      const fs::path path = entry.path();
      const std::string name = path.stem().string();
      const auto weights = [&](const char* extension) { return folder / (name + extension); };
      if (path.extension() == ".json" && fs::exists(weights(".safetensors"))) {
        fixtures.push_back(read_fixture(name, weights(".safetensors"), path));
      } else if (path.extension() == ".json" && fs::exists(weights(".pt"))) {
        fixtures.push_back(read_fixture(name, weights(".pt"), path));
      } else if (entry.is_directory() && fs::exists(path / "settings.json")) {
        for (const fs::directory_entry& file : fs::directory_iterator(path)) {
          if (file.path().extension() == ".json") continue;
          fixtures.push_back(read_fixture(name, file.path(), path / "settings.json"));
        }
      }
    }
  }
  std::sort(fixtures.begin(), fixtures.end(), [](const Fixture& a, const Fixture& b) { return a.name < b.name; });
  return fixtures;
}

}  // namespace mmoe::fuzz
