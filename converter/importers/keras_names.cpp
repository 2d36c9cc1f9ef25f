#include "converter/importers/keras_names.h"

#include <algorithm>
#include <map>
#include <optional>
#include <set>

#include "converter/importers/keras_config.h"

namespace mmoe::converter {
namespace {

// Layers of Keras's own and of DeepCTR's that have weights, where no config says what there is.
constexpr const char* kKnownKinds[] = {"dense",
                                       "embedding",
                                       "batch_normalization",
                                       "layer_normalization",
                                       "p_re_lu",
                                       "dnn",
                                       "dice",
                                       "prediction_layer",
                                       "linear",
                                       "cross_net",
                                       "cross_net_mix",
                                       "cin",
                                       "interacting_layer",
                                       "attention_sequence_pooling_layer",
                                       "local_activation_unit"};

std::vector<std::string> split(const std::string& path) {
  std::vector<std::string> parts = {""};
  for (const char c : path) {
    if (c == '/' || c == '\\') {  // some versions of Keras on Windows wrote backslashes
      parts.emplace_back();
    } else {
      parts.back() += c;
    }
  }
  return parts;
}

bool starts_with(std::string_view text, std::string_view start) { return text.substr(0, start.size()) == start; }

std::string without_output(std::string name) {
  if (name.size() > 2 && name.compare(name.size() - 2, 2, ":0") == 0) name.resize(name.size() - 2);
  return name;
}

std::optional<std::string> known_kind(std::string_view automatic_name) {
  for (const char* kind : kKnownKinds) {
    if (automatic_number(automatic_name, kind)) return kind;
  }
  return std::nullopt;
}

/// A layer's variables in the order in which Keras numbers them.
std::vector<std::string> variable_names(const std::string& kind, const KerasLayer* layer, size_t count) {
  const bool scale = layer == nullptr || layer->has_scale, center = layer == nullptr || layer->has_center;
  std::vector<std::string> names;
  if (kind == "dense") names = {"kernel", "bias"};
  if (kind == "embedding") names = {"embeddings"};
  if (kind == "p_re_lu") names = {"alpha"};
  if (kind == "normalization") names = {"mean", "variance", "count"};
  if (kind == "batch_normalization" || kind == "layer_normalization") {
    if (scale) names.emplace_back("gamma");
    if (center) names.emplace_back("beta");
  }
  if (kind == "batch_normalization") names.insert(names.end(), {"moving_mean", "moving_variance"});
  const bool fits = names.size() == count || (kind == "dense" && count == 1);
  return fits ? names : std::vector<std::string>();
}

/// The kind of a layer that is a member of another, of which only the variables' shapes are known.
std::string kind_by_shapes(const std::vector<std::vector<uint64_t>>& shapes) {
  const auto is_vector = [](const std::vector<uint64_t>& shape) { return shape.size() == 1; };
  const bool dense =
      shapes.size() == 2 && shapes[0].size() == 2 && is_vector(shapes[1]) && shapes[0][1] == shapes[1][0];
  if (dense) return "dense";
  const bool norm = shapes.size() == 4 && std::all_of(shapes.begin(), shapes.end(), is_vector);
  return norm ? "batch_normalization" : "";
}

class Namer {
 public:
  explicit Namer(const KerasFile& file) : file_(file), layers_(read_keras_config(file.config)) {}

  KerasNames name() {
    if (!file_.layer_names.empty()) {
      name_by_layers();
    } else if (has_numbered_variables()) {
      name_numbered();
    } else {
      for (size_t i = 0; i < file_.paths.size(); ++i) result_.tensors.push_back({i, file_.paths[i]});
    }
    add_aliases();
    return std::move(result_);
  }

 private:
  struct Top {  // what is known of the layer in front of a tensor's name
    std::string name;
    std::string kind;  // empty: not automatically named
  };

  // ------------------------------------------------------------------ <layer>/<weight name>

  void name_by_layers() {
    const bool whole_model = std::any_of(file_.paths.begin(), file_.paths.end(),
                                         [](const std::string& path) { return starts_with(path, "model_weights/"); });
    std::vector<std::string> order = file_.layer_names;
    order.emplace_back("top_level_model_weights");
    for (const std::string& layer : order) {
      const std::string group = (whole_model ? "model_weights/" : "") + layer + "/";
      for (size_t i = 0; i < file_.paths.size(); ++i) {
        if (starts_with(file_.paths[i], group)) add_weight(i, layer, file_.paths[i].substr(group.size()));
      }
    }
  }

  void add_weight(size_t dataset, const std::string& layer, const std::string& weight) {
    const bool top_level = layer == "top_level_model_weights";
    const std::string name = without_output(weight);
    const bool named = top_level || starts_with(name, layer + "/");
    result_.tensors.push_back({dataset, named ? name : layer + "/" + name});
    tops_.push_back({layer, kind_of(layer)});
  }

  /// Empty for a layer that somebody named.
  std::string kind_of(const std::string& layer) const {
    for (const KerasLayer& known : layers_) {
      if (known.name == layer) return automatic_number(layer, known.kind) ? known.kind : "";
    }
    return known_kind(layer).value_or("");
  }

  // ------------------------------------------------------------------ layers/<kind>_<n>/.../vars/<number>

  bool has_numbered_variables() const {
    return std::any_of(file_.paths.begin(), file_.paths.end(), [](const std::string& path) {
      return !vars_group(path).empty() && !starts_with(path, "optimizer/");
    });
  }

  /// "layers/dense/vars" of "layers/dense/vars/0"; empty for another path.
  static std::string vars_group(const std::string& path) {
    const std::vector<std::string> parts = split(path);
    const bool numbered = parts.size() >= 2 && parts[parts.size() - 2] == "vars" && !parts.back().empty() &&
                          parts.back().find_first_not_of("0123456789") == std::string::npos;
    return numbered ? path.substr(0, path.size() - parts.back().size() - 1) : "";
  }

  void name_numbered() {
    for (size_t i = 0; i < file_.paths.size(); ++i) {
      const std::string group = vars_group(file_.paths[i]);
      if (!group.empty() && !starts_with(group, "optimizer/")) variables_[group].push_back(i);
    }
    for (auto& [group, datasets] : variables_) {
      // By number, not by text: 10 comes after 9.
      std::sort(datasets.begin(), datasets.end(), [&](size_t a, size_t b) {
        const std::string &first = file_.paths[a], &second = file_.paths[b];
        return first.size() != second.size() ? first.size() < second.size() : first < second;
      });
      name_group(group, datasets);
    }
  }

  void name_group(const std::string& group, const std::vector<size_t>& datasets) {
    std::vector<std::string> parts = split(group);
    parts.pop_back();  // "vars"
    const bool listed = parts.size() >= 2 && (parts[0] == "layers" || parts[0] == "_layer_checkpoint_dependencies");
    const KerasLayer* layer = listed ? layer_at(parts[1]) : nullptr;
    if (listed) parts.erase(parts.begin());
    const bool is_top = parts.size() == 1;
    const std::string stored = parts.empty() ? "" : parts.back();

    std::string kind = is_top && layer != nullptr ? layer->kind : known_kind(stored).value_or("");
    std::vector<std::vector<uint64_t>> shapes;
    for (const size_t dataset : datasets) shapes.push_back(file_.shapes[dataset]);
    if (kind.empty()) kind = kind_by_shapes(shapes);

    Top top;
    if (!parts.empty()) {
      top.name = listed ? top_name(group, parts[0], layer) : parts[0];
      top.kind = listed ? top_kind(top.name, parts[0], layer) : "";
      parts[0] = top.name;
    }
    if (!is_top && !parts.empty()) parts.back() = inner_name(group, stored);
    std::string prefix;
    for (const std::string& part : parts) prefix += part + "/";
    const std::vector<std::string> names = variable_names(kind, is_top ? layer : nullptr, datasets.size());
    for (size_t i = 0; i < datasets.size(); ++i) {
      const std::string variable = i < names.size() ? names[i] : std::to_string(i);
      result_.tensors.push_back({datasets[i], prefix + variable});
      tops_.push_back(top);
    }
  }

  /// The config's layer that was stored as `<kind>` (the first of its kind), `<kind>_1` (the second), ...
  const KerasLayer* layer_at(const std::string& stored) const {
    std::map<std::string, size_t> seen;
    for (const KerasLayer& layer : layers_) {
      const size_t number = seen[layer.kind]++;
      if (automatic_number(stored, layer.kind) == number) return &layer;
    }
    return nullptr;
  }

  std::string top_name(const std::string& group, const std::string& stored, const KerasLayer* layer) const {
    // The outermost layer's own variables are in a group of theirs, whatever `group` is inside it.
    const std::string folder = group.substr(0, group.find_first_of("/\\") + 1 + stored.size());
    const std::string written = file_.written_name ? file_.written_name(folder + "/vars") : "";
    if (!written.empty()) return written;
    return layer != nullptr && !layer->name.empty() ? layer->name : stored;
  }

  std::string top_kind(const std::string& name, const std::string& stored, const KerasLayer* layer) const {
    const std::string kind = layer != nullptr ? layer->kind : known_kind(stored).value_or("");
    return automatic_number(name, kind) ? kind : "";
  }

  /// A member layer goes by the name that somebody gave it, else by where it is: a member's name, or a kind and number.
  std::string inner_name(const std::string& group, const std::string& stored) const {
    const std::string written = file_.written_name ? file_.written_name(group) : "";
    return written.empty() || known_kind(written) ? stored : written;
  }

  // ------------------------------------------------------------------ aliases

  void add_aliases() {
    name_members();
    std::map<std::string, std::map<size_t, std::string>> automatic;  // kind -> number -> layer
    for (const Top& top : tops_) {
      if (!top.kind.empty()) automatic[top.kind][*automatic_number(top.name, top.kind)] = top.name;
    }
    for (const auto& [kind, layers] : automatic) {
      size_t position = 0;
      std::map<std::string, size_t> leading_to;
      for (const auto& [number, layer] : layers) {
        add_alias(layer, kind + "#" + std::to_string(position++));
        const std::string target = target_of(layer);
        if (!target.empty()) add_alias(layer, kind + "#" + std::to_string(leading_to[target]++) + ">" + target);
      }
    }
  }

  /// Members of a layer that nobody named: "expert_0/batch_normalization_1/gamma" is
  /// "expert_0/batch_normalization#1/gamma" whatever the numbers began with. Inside the layers of DeepCTR they lie two
  /// deep ("dnn/dice_1/batch_normalization_3").
  void name_members() {
    std::map<std::string, std::map<size_t, size_t>> places;  // of a path and kind: its numbers, and their places
    const auto visit = [&](const auto& use) {
      for (const KerasTensor& tensor : result_.tensors) {
        const std::vector<std::string> parts = split(tensor.name);
        std::string path = parts[0], alias = parts[0];
        for (size_t i = 1; i < parts.size(); ++i) {
          const std::optional<std::string> kind = i + 1 < parts.size() ? known_kind(parts[i]) : std::nullopt;
          alias +=
              "/" + (kind ? *kind + "#" + std::to_string(use(places[path + "/" + *kind], parts[i], *kind)) : parts[i]);
          path += "/" + parts[i];
        }
        if (alias != tensor.name) by_member_[tensor.name] = alias;
      }
    };
    visit([](std::map<size_t, size_t>& numbers, const std::string& name, const std::string& kind) {
      return numbers[*automatic_number(name, kind)];
    });
    for (auto& [path, numbers] : places) {
      size_t place = 0;
      for (auto& [number, position] : numbers) position = place++;
    }
    visit([](const std::map<size_t, size_t>& numbers, const std::string& name, const std::string& kind) {
      return numbers.at(*automatic_number(name, kind));
    });
    for (size_t i = 0; i < result_.tensors.size(); ++i) {
      const auto member = by_member_.find(result_.tensors[i].name);
      if (member != by_member_.end()) result_.aliases.push_back({member->second, i});
    }
  }

  std::string target_of(const std::string& layer) const {
    for (size_t i = 0; i < layers_.size(); ++i) {
      if (layers_[i].name == layer) return named_layer_after(layers_, i);
    }
    return "";
  }

  void add_alias(const std::string& layer, const std::string& alias) {
    for (size_t i = 0; i < tops_.size(); ++i) {
      const std::string& name = result_.tensors[i].name;
      if (tops_[i].name != layer || !starts_with(name, layer + "/")) continue;
      result_.aliases.push_back({alias + name.substr(layer.size()), i});
      const auto member = by_member_.find(name);
      if (member != by_member_.end()) result_.aliases.push_back({alias + member->second.substr(layer.size()), i});
    }
  }

  const KerasFile& file_;
  std::vector<KerasLayer> layers_;
  std::map<std::string, std::vector<size_t>> variables_;  // by the group "vars" that they are in
  std::vector<Top> tops_;                                 // of result_.tensors; none for a file that is not Keras's
  std::map<std::string, std::string> by_member_;          // a tensor's name -> the same by its members' places
  KerasNames result_;
};

}  // namespace

KerasNames name_keras_tensors(const KerasFile& file) { return Namer(file).name(); }

}  // namespace mmoe::converter
