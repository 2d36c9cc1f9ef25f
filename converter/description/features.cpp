#include "converter/description/features.h"

#include <cmath>
#include <set>

#include "converter/description/limits.h"
#include "converter/description/text.h"
#include "converter/description/vocabulary.h"
#include "converter/error.h"

namespace mmoe::converter {

namespace {

const char* const kScaleMeaning = R"({"min", "max"}, {"mean", "std"} or {"offset", "factor"})";

// (v - offset) / divisor, as the multiplication that the runtime does.
void set_scale(const JsonReader& field, double offset, double divisor, Scaling& scaling) {
  scaling.offset = static_cast<float>(offset);
  scaling.factor = static_cast<float>(1 / divisor);
  if (!std::isfinite(scaling.factor)) field.fail("its range is too small for a float");
}

void read_scale(const JsonReader& field, Scaling& scaling) {
  if (field.find("min") || field.find("max")) {
    field.allow_keys({"min", "max"});
    const float min = field.get("min", kScaleMeaning).real();
    const float max = field.get("max", kScaleMeaning).real();
    if (!(min < max)) field.fail("expected min less than max");
    set_scale(field, min, static_cast<double>(max) - static_cast<double>(min), scaling);
  } else if (field.find("mean") || field.find("std")) {
    field.allow_keys({"mean", "std"});
    const float std = field.get("std", kScaleMeaning).real();
    if (!(std > 0)) field.fail("expected std more than 0");
    set_scale(field, field.get("mean", kScaleMeaning).real(), std, scaling);
  } else {
    field.allow_keys({"offset", "factor"});
    scaling.offset = field.get("offset", kScaleMeaning).real();
    scaling.factor = field.get("factor", kScaleMeaning).real();
  }
}

void read_clip(const JsonReader& field, Scaling& scaling) {
  const std::vector<JsonReader> bounds = field.items();
  if (bounds.size() != 2) field.fail_expected("[lower, upper]");
  scaling.lower = bounds[0].real();
  scaling.upper = bounds[1].real();
  if (scaling.lower > scaling.upper) field.fail("expected lower no more than upper");
}

void read_dense(const JsonReader& object, Feature& feature) {
  object.allow_keys({"name", "kind", "side", "width", "scale", "clip", "missing"});
  if (const auto field = object.find("width")) feature.width = field->count(kMaxDim);
  if (feature.width == 0) object.get("width", "").fail_expected("1 or more");
  DenseFeature dense;
  if (const auto field = object.find("scale")) read_scale(*field, dense.scaling);
  if (const auto field = object.find("clip")) read_clip(*field, dense.scaling);
  if (const auto field = object.find("missing")) dense.scaling.missing = field->real();
  feature.kind = dense;
}

Embedding bind_embedding(TensorIndex& tensors, size_t tensor) {
  const TensorInfo& info = tensors.info(tensor);
  if (info.shape.size() != 2 || info.shape[0] == 0 || info.shape[1] == 0) {
    throw ConvertError(info.name + ": " + shape_text(info.shape) + ", expected an embedding table, [ids, width]");
  }
  if (info.shape[0] > kMaxTableRows || info.shape[1] > kMaxDim) {
    throw ConvertError(info.name + ": " + shape_text(info.shape) + ", expected at most " +
                       shape_text({kMaxTableRows, kMaxDim}));
  }
  return {info.name, {static_cast<size_t>(info.shape[0]), static_cast<size_t>(info.shape[1]), tensors.read(tensor)}};
}

size_t embedding_index(const JsonReader& field, TensorIndex& tensors, std::vector<Embedding>& embeddings) {
  const std::optional<size_t> tensor = tensors.find(field.string());
  if (!tensor) tensors.fail_missing(Pattern(field.string(), field.path()));
  const std::string& name = tensors.info(*tensor).name;
  for (size_t i = 0; i < embeddings.size(); ++i) {
    if (embeddings[i].name == name) return i;
  }
  embeddings.push_back(bind_embedding(tensors, *tensor));
  return embeddings.size() - 1;
}

void bind_categorical(const JsonReader& object, TensorIndex& tensors, std::vector<Embedding>& embeddings,
                      Feature& feature) {
  object.allow_keys({"name", "kind", "side", "vocabulary", "first_id", "unknown", "embedding"});
  SparseFeature sparse;
  const JsonReader name = object.get("embedding", "the full name of the embedding table's tensor");
  sparse.embedding = embedding_index(name, tensors, embeddings);
  const Embedding& embedding = embeddings[sparse.embedding];
  sparse.vocabulary = read_vocabulary(object, embedding.table.rows, embedding.name);
  feature.width = embedding.table.cols;
  feature.kind = std::move(sparse);
}

Feature bind_feature(const JsonReader& object, TensorIndex& tensors, std::vector<Embedding>& embeddings) {
  Feature feature;
  feature.name = object.get("name", "the column of the raw data").string();
  if (const auto side = object.find("side")) {
    feature.side = static_cast<Side>(side->choice({"context", "user", "item"}));  // in the order of Side
  }
  if (object.get("kind", "dense or categorical").choice({"dense", "categorical"}) == 0) {
    read_dense(object, feature);
  } else {
    bind_categorical(object, tensors, embeddings, feature);
  }
  return feature;
}

// A wide feature `a` has the raw columns a.0, a.1, ..., which another feature may already have taken.
void claim_columns(const JsonReader& object, const Feature& feature, std::set<std::string>& columns) {
  const bool wide = std::holds_alternative<DenseFeature>(feature.kind) && feature.width > 1;
  for (size_t i = 0; i < (wide ? feature.width : 1); ++i) {
    const std::string column = wide ? feature.name + "." + std::to_string(i) : feature.name;
    if (!columns.insert(column).second) object.fail("two features read the column \"" + column + "\"");
  }
}

}  // namespace

void bind_features(const JsonReader& list, TensorIndex& tensors, ModelDescription& model) {
  const std::vector<JsonReader> items = list.items();
  if (items.empty()) list.fail("empty; leave it out if the caller passes x itself");
  if (items.size() > kMaxFeatures) list.fail_expected("at most " + std::to_string(kMaxFeatures));
  std::set<std::string> columns;
  for (const JsonReader& item : items) {
    model.features.push_back(bind_feature(item, tensors, model.embeddings));
    claim_columns(item, model.features.back(), columns);
    model.input_dim += model.features.back().width;
    if (model.input_dim > kMaxDim) list.fail("x is wider than " + std::to_string(kMaxDim) + " columns");
  }
}

}  // namespace mmoe::converter
