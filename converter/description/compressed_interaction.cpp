#include <algorithm>
#include <nlohmann/json.hpp>

#include "converter/description/dense.h"
#include "converter/description/written_out.h"
#include "converter/error.h"
#include "converter/model/limits.h"
#include "converter/reading/keys.h"
#include "converter/reading/pattern.h"
#include "converter/shape_text.h"

namespace mmoe::converter {
namespace {

using nlohmann::json;

class CompressedInteraction {
 public:
  explicit CompressedInteraction(const NodeWriter& writer)
      : writer_(writer), object_(writer.fields.object), fields_(object_.get("compressed_interaction", "")) {
    object_.allow_keys(compressed_interaction_keys());
    if (const auto order = object_.find("order")) by_map_ = order->choice({"fields", "maps"}) == 1;
    if (const auto field = object_.find("orientation")) in_out_ = field->choice({"out_in", "in_out"}) == 1;
    for (const char* key : {"activation", "weight", "bias", "orientation"}) {
      if (const auto field = object_.find(key)) form_[key] = field->copy();
    }
    read_fields();
    find_layers();
  }

  void write() {
    writer_.make({{"name", name("fields")}, {"sum", json::array({fields_.copy()})}});
    json columns = json::array();
    for (size_t column = 0; column < group_; ++column) {
      for (size_t field = 0; field < num_fields_; ++field)
        columns.push_back(part("fields", field * group_ + column, 1));
    }
    writer_.make({{"name", name("by column")}, {"sum", json::array({columns})}});
    Maps maps{"by column", num_fields_, num_fields_};
    json result = json::array();
    for (size_t layer = 0; layer < layers_.size(); ++layer) {
      const size_t outputs = write_layer(layer, maps);
      const size_t passed = layer + 1 < layers_.size() ? passed_on(layer + 1, outputs) : 0;
      const size_t first = passed < outputs ? passed : 0;
      result.push_back(part("sums " + std::to_string(layer), first, outputs - first));
      maps = {"maps " + std::to_string(layer), outputs, passed};
    }
    writer_.make({{"name", writer_.name}, {"sum", json::array({result})}});
  }

 private:
  // Of a layer: `count` of `stride` for each column, one column behind the other.
  struct Maps {
    std::string node;
    size_t stride, count;
  };

  std::string name(const std::string& what) const { return writer_.name + " " + what; }

  json part(const std::string& node, size_t first, size_t count) const {
    return {{"node", name(node)}, {"first", first}, {"count", count}};
  }

  void read_fields() {
    const StreamRef stream = writer_.fields.operand(fields_);
    const size_t width = writer_.fields.streams.width(stream).value();
    const std::vector<StreamPart>& parts = stream.parts;
    const auto other = [&](const StreamPart& one) { return one.columns.width != parts.front().columns.width; };
    const bool alike = parts.size() > 1 && std::none_of(parts.begin(), parts.end(), other);
    const auto group = object_.find("group");
    if (!group && !alike) object_.get("group", "the width of a field: the parts do not tell it");
    group_ = group ? group->count(kMaxDim) : parts.front().columns.width;
    if (group_ == 0 || width % group_ != 0)
      object_.fail(std::to_string(width) + " columns in fields of " + std::to_string(group_));
    num_fields_ = width / group_;
    if (width > kMaxParts) {
      fields_.fail_expected("at most " + std::to_string(kMaxParts) + " columns, of all fields together; there are " +
                            std::to_string(width));
    }
  }

  // The names of the layers, in the order of their numbers, and how many products they read.
  void find_layers() {
    const JsonReader layers = object_.get("layers", "the pattern of the layers' names");
    const auto weight = object_.find("weight");
    for (const JsonReader& item : layers.items_or_self()) {
      const Pattern pattern(item.string() + (weight ? weight->text() : ".weight"), item.path());
      for (const NumberedTensor& found : find_numbered(writer_.fields.tensors, pattern, writer_.fields.slot)) {
        const std::vector<uint64_t> shape = layer_shape(writer_.fields.tensors.info(found.tensor));
        if (shape.size() != 2) continue;
        layers_.push_back(Pattern(item.string(), item.path()).with(found.values).text());
        inputs_.push_back(static_cast<size_t>(shape[in_out_ ? 0 : 1]));
        tensors_.push_back(found.tensor);
      }
    }
    if (layers_.empty()) layers.fail_expected("a pattern of layers");
  }

  // How many of a layer's maps the next one takes: all, or the first half.
  size_t passed_on(size_t next, size_t outputs) const {
    for (const size_t passed : {outputs, outputs / 2}) {
      if (passed > 0 && inputs_[next] == passed * num_fields_) return passed;
    }
    const TensorInfo& info = writer_.fields.tensors.info(tensors_[next]);
    throw ConvertError(info.name + ": " + shape_text(info.shape) + ", expected " +
                       std::to_string(outputs * num_fields_) + " inputs: the products of " +
                       std::to_string(num_fields_) + " fields and " + std::to_string(outputs) +
                       " maps, or half of them");
  }

  // Returns its number of maps.
  size_t write_layer(size_t layer, const Maps& before) {
    const std::string number = std::to_string(layer);
    json maps = json::array();
    for (size_t column = 0; column < group_; ++column) {
      const json all = part(before.node, column * before.stride, before.count);
      for (size_t field = 0; field < num_fields_; ++field) maps.push_back(all);
    }
    writer_.make({{"name", name("products " + number)}, {"product", json::array({name("by column"), maps})}});
    json node = form_;
    node["name"] = name("maps " + number);
    node["layers"] = json::array({layers_[layer]});
    node["reads"] = name("products " + number);
    node["each"] = num_fields_ * before.count;
    DenseLayer& made = writer_.make(node).layers.front();
    const size_t outputs = made.outputs();
    if (by_map_) put_by_field(made.weight, before.count);
    writer_.make({{"name", name("sums " + number)}, {"sum_of_groups", name("maps " + number)}, {"group", outputs}});
    return outputs;
  }

  // From products that are counted map by map.
  void put_by_field(Matrix& weight, size_t num_maps) const {
    const Matrix from = weight;
    for (size_t row = 0; row < weight.rows; ++row) {
      for (size_t field = 0; field < num_fields_; ++field) {
        for (size_t map = 0; map < num_maps; ++map) {
          weight.data[row * weight.cols + field * num_maps + map] = from.at(row, map * num_fields_ + field);
        }
      }
    }
  }

  const NodeWriter& writer_;
  const JsonReader& object_;
  JsonReader fields_;
  json form_ = json::object();
  bool by_map_ = false, in_out_ = false;
  size_t group_ = 0, num_fields_ = 0;
  std::vector<std::string> layers_;
  std::vector<size_t> inputs_, tensors_;
};

}  // namespace

void write_compressed_interaction(const NodeWriter& writer) { CompressedInteraction(writer).write(); }

}  // namespace mmoe::converter
