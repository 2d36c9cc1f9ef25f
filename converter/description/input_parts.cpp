#include "converter/description/input_parts.h"

#include "converter/model/limits.h"
#include "converter/reading/text.h"

namespace mmoe::converter {

InputParts::InputParts(const std::vector<Feature>& features, const std::vector<Embedding>& embeddings) {
  size_t first = 0;
  for (const Feature& feature : features) {
    features_[feature.name] = {first, feature.width};
    const auto* sequence = std::get_if<SequenceFeature>(&feature.kind);
    if (sequence != nullptr && sequence->pooling == Pooling::kKept) lengths_[{first, feature.width}] = sequence->length;
    const auto* category = std::get_if<SparseFeature>(&feature.kind);
    if (category != nullptr && embeddings[category->embedding].made)
      constant_tables_[{first, feature.width}] = embeddings[category->embedding].table;
    first += feature.width;
  }
}

std::optional<size_t> InputParts::length_of_sequence(const ColumnRange& columns) const {
  const auto found = lengths_.find(columns);
  return found == lengths_.end() ? std::nullopt : std::optional(found->second);
}

const Table* InputParts::constant_rows(const ColumnRange& columns) const {
  const auto found = constant_tables_.find(columns);
  return found == constant_tables_.end() ? nullptr : &found->second;
}

std::vector<std::string> InputParts::feature_names() const {
  std::vector<std::string> names;
  for (const auto& [name, range] : features_) names.push_back(name);
  return names;
}

std::optional<ColumnRange> InputParts::feature(const std::string& name) const {
  const auto found = features_.find(name);
  return found == features_.end() ? std::nullopt : std::optional(found->second);
}

ColumnRange InputParts::columns(const JsonReader& item, std::optional<size_t> task, size_t input_dim) {
  item.allow_keys({"first", "count", "per"});
  ColumnRange range;
  range.first = item.get("first", "the first column of x, from 0").count(kMaxDim);
  const JsonReader count = item.get("count", "the number of columns");
  range.width = count.count(kMaxDim);
  if (range.width == 0) count.fail_expected("1 or more");
  if (const auto per = item.find("per")) {
    per->choice({"task"});
    if (!task) per->fail("what reads it is not per task");
    range.first += *task * range.width;
  }
  if (range.first > input_dim || range.width > input_dim - range.first) {
    item.fail(counted(range.width, "column") + " from " + std::to_string(range.first) + " on, but x has " +
              std::to_string(input_dim));
  }
  return range;
}

}  // namespace mmoe::converter
