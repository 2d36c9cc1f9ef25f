// An attention whose mask is another stream, or a number of elements.
#include <nlohmann/json.hpp>

#include "converter/description/written_out.h"
#include "converter/model/limits.h"

namespace mmoe::converter {
namespace {

using nlohmann::json;

class MaskedAttention {
 public:
  explicit MaskedAttention(const NodeWriter& writer)
      : writer_(writer),
        object_(writer.fields.object.get("attention", "")),
        sequences_(object_.get("sequences", "a sequence feature with the pooling none, or several")),
        mask_(object_.find("mask")),
        count_(object_.find("count")) {}

  void write() {
    const std::vector<JsonReader> sequences = sequences_.items_or_self();
    if (sequences.empty()) sequences_.fail_expected("at least one");
    if (mask_ && count_) count_->fail("has no meaning beside `mask`: one of them says which elements there are");
    read_first(sequences.front());
    json parts = json::array({elements_});
    for (json& part : mask_parts()) parts.push_back(std::move(part));
    const std::string elements = writer_.name + " elements";
    writer_.make({{"name", elements}, {"sum", json::array({parts})}});
    json node = writer_.fields.object.copy();
    json& attention = node["attention"];
    attention["sequences"] = json::array({elements});
    for (size_t i = 1; i < sequences.size(); ++i) attention["sequences"].push_back(sequences[i].copy());
    attention["length"] = length_;
    for (const char* key : {"mask", "count"}) attention.erase(key);
    node["name"] = writer_.name;
    writer_.make(node);
  }

 private:
  // Its length, and the part of it that is elements.
  void read_first(const JsonReader& item) {
    const StreamRef stream = writer_.fields.operand(item);
    const std::optional<size_t> length = writer_.fields.streams.length_of_sequence(stream);
    const size_t width = writer_.fields.streams.width(stream).value();
    length_ = length ? *length : object_.get("length", "of a sequence that is no feature").count(kMaxDim);
    if (length_ == 0 || width % length_ != 0 || width / length_ < 2)
      item.fail_expected("a sequence feature with \"pooling\": \"none\", or with `length` columns of one");
    const size_t columns = width - length_;
    if (item.is_object() && !item.find("feature")) {
      elements_ = item.copy();
      elements_["count"] = columns;
    } else if (length) {
      elements_ = {{"feature", item.copy()}, {"part", "elements"}};
    } else {
      elements_ = {{"node", item.copy()}, {"first", 0}, {"count", columns}};
    }
  }

  // One column for each element.
  json mask_parts() {
    if (count_) {
      const std::string name = writer_.name + " mask";
      writer_.push(name, counting());
      return json::array({name});
    }
    const size_t width = writer_.fields.streams.width(writer_.fields.operand(*mask_)).value();
    if (width != length_) mask_->fail_expected("a number for each of " + std::to_string(length_) + " elements");
    return mask_->is_array() ? mask_->copy() : json::array({mask_->copy()});
  }

  // relu(count - i) is 0 from element number `count` on.
  Node counting() const {
    Node node;
    node.input = writer_.fields.operand(*count_);
    if (writer_.fields.streams.width(node.input).value() != 1) count_->fail_expected("one column");
    DenseLayer layer;
    layer.name = writer_.name + " mask";
    layer.storage.type = WeightType::kF32;
    layer.storage.made = true;
    layer.weight = {length_, 1, std::vector<float>(length_, 1.0f)};
    for (size_t i = 0; i < length_; ++i) layer.bias.push_back(-static_cast<float>(i));
    layer.activation.kind = ActivationKind::kRelu;
    node.layers.push_back(std::move(layer));
    return node;
  }

  const NodeWriter& writer_;
  JsonReader object_, sequences_;
  std::optional<JsonReader> mask_, count_;
  size_t length_ = 0;
  json elements_;
};

}  // namespace

bool has_own_mask(const JsonReader& node) {
  const auto attention = node.find("attention");
  if (!attention || !attention->is_object()) return false;
  const auto mask = attention->find("mask");
  return attention->find("count") || (mask && !mask->is_boolean());
}

void write_masked_attention(const NodeWriter& writer) { MaskedAttention(writer).write(); }

}  // namespace mmoe::converter
