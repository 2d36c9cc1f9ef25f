#include "converter/description/features.h"

#include <cmath>
#include <map>
#include <set>

#include "converter/description/dense.h"
#include "converter/description/embeddings.h"
#include "converter/description/vocabulary.h"
#include "converter/model/limits.h"
#include "converter/preprocessing/keras_preprocessing.h"
#include "converter/preprocessing/preprocessing.h"
#include "converter/reading/text.h"

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
  if (!bounds[0].is_null()) scaling.lower = bounds[0].real();
  if (!bounds[1].is_null()) scaling.upper = bounds[1].real();
  if (scaling.lower > scaling.upper) field.fail("expected lower no more than upper");
}

// [[v, result], ...], ascending. A v is rounded to float, as values are.
void read_points(const JsonReader& field, Scaling& scaling) {
  field.allow_keys({"points", "normal"});
  const auto normal = field.find("normal");
  scaling.function = normal && normal->boolean() ? NumberFunction::kNormalPoints : NumberFunction::kPoints;
  const JsonReader list = field.get("points", "");
  for (const JsonReader& item : list.items()) {
    const std::vector<JsonReader> point = item.items();
    if (point.size() != 2) item.fail_expected("[v, result]");
    const double at = static_cast<double>(point[0].real()), result = point[1].number();
    if (!scaling.points.empty() && at < scaling.points.back().first) item.fail_expected("v in ascending order");
    if (scaling.function == NumberFunction::kNormalPoints && !(result >= 0 && result <= 1)) {
      point[1].fail_expected("a probability, of which the quantile is taken");
    }
    scaling.points.emplace_back(at, result);
  }
  if (scaling.points.size() < 2) list.fail_expected("at least two points");
}

// A name, in the order of NumberFunction to kIsMissing without kIdentity and kPower, or an object of one parameter.
void read_function(const JsonReader& field, Scaling& scaling) {
  if (field.is_object() && field.find("points")) return read_points(field, scaling);
  if (field.is_object()) {
    constexpr std::pair<const char*, NumberFunction> kNames[] = {{"power", NumberFunction::kPower},
                                                                 {"yeo_johnson", NumberFunction::kYeoJohnson},
                                                                 {"box_cox", NumberFunction::kBoxCox}};
    for (const auto& [name, function] : kNames) {
      const auto exponent = field.find(name);
      if (!exponent) continue;
      field.allow_keys({name});
      scaling.function = function;
      scaling.exponent = exponent->real();
      if (scaling.exponent == 0 && function == NumberFunction::kPower) exponent->fail_expected("a number other than 0");
      return;
    }
    field.allow_keys({"power", "yeo_johnson", "box_cox", "points"});
    field.fail_expected("power, yeo_johnson, box_cox or points");
  }
  constexpr NumberFunction kFunctions[] = {
      NumberFunction::kLog, NumberFunction::kLog1p,       NumberFunction::kLog10,    NumberFunction::kSqrt,
      NumberFunction::kAbs, NumberFunction::kSignedLog1p, NumberFunction::kIsMissing};
  scaling.function = kFunctions[field.choice({"log", "log1p", "log10", "sqrt", "abs", "signed_log1p", "is_missing"})];
}

Projection bind_projection(const JsonReader& field, TensorIndex& tensors) {
  field.allow_keys({"weight", "bias", "orientation"});
  const JsonReader name = field.get("weight", "the full name of the tensor that is multiplied with the values");
  const std::optional<size_t> tensor = tensors.find(name.string());
  if (!tensor) tensors.fail_missing(Pattern(name.string(), name.path()));
  DenseForm form;
  if (const auto orientation = field.find("orientation")) form.in_out = orientation->choice({"out_in", "in_out"}) == 1;
  const auto bias = field.find("bias");
  if (bias && !tensors.find(bias->string())) tensors.fail_missing(Pattern(bias->string(), bias->path()));
  DenseLayer layer = bind_dense(tensors, *tensor, bias ? bias->string() : "", form, {});
  return {std::move(layer.weight), std::move(layer.bias)};
}

void bind_dense_feature(const JsonReader& object, TensorIndex& tensors, Feature& feature) {
  object.allow_keys({"name", "column", "kind", "side", "width", "scale", "clip", "function", "missing", "projection"});
  DenseFeature dense;
  const auto width = object.find("width");
  if (width) feature.width = width->count(kMaxDim);
  if (feature.width == 0) width->fail_expected("1 or more");
  if (const auto field = object.find("scale")) read_scale(*field, dense.scaling);
  if (const auto field = object.find("clip")) read_clip(*field, dense.scaling);
  if (const auto field = object.find("function")) read_function(*field, dense.scaling);
  if (const auto field = object.find("missing")) {
    dense.scaling.missing = field->real();
    if (dense.scaling.function == NumberFunction::kIsMissing) field->fail("is_missing would never see a missing value");
  }
  if (const auto field = object.find("projection")) {
    dense.projection = bind_projection(*field, tensors);
    const size_t values = dense.projection->weight.cols;
    if (width && feature.width != values)
      width->fail_expected(std::to_string(values) + ", the inputs of its projection");
    feature.width = dense.projection->weight.rows;
  }
  feature.kind = std::move(dense);
}

void bind_categorical(const JsonReader& object, EmbeddingTables& tables, KeySources& sources, Feature& feature) {
  object.allow_keys({"name", "column", "kind", "side", "vocabulary", "first_id", "ids", "unknown", "missing",
                     "embedding", "first_row", "quantised", "embedding_width"});
  const EmbeddingTables::Part part = tables.find(object);
  SparseFeature sparse;
  sparse.vocabulary = read_vocabulary(object, part.rows, part.name, sources);
  sparse.embedding = tables.add(part, num_rows(sparse.vocabulary));
  feature.width = part.width;
  feature.kind = std::move(sparse);
}

// Whether several columns make one value.
bool crosses(const Vocabulary& vocabulary) {
  const std::optional<Hashing>& hashing = vocabulary.others ? vocabulary.others : vocabulary.hashing;
  return hashing && !hashing->parts.empty();
}

// Where the file says that Keras masks id 0, that is the default, and another id a contradiction. What pools may leave
// the mask alone, though: null says so.
std::optional<uint32_t> read_padding_id(const JsonReader& object, const EmbeddingTables::Part& part) {
  const auto field = object.find("padding_id");
  if (!field) return part.mask_zero ? std::optional<uint32_t>(0) : std::nullopt;
  if (field->is_null()) return std::nullopt;
  const auto id = static_cast<uint32_t>(field->count(part.rows - 1));
  if (part.mask_zero && id != 0) {
    field->fail_expected("0: the file's own configuration says \"mask_zero\": true of " + part.name +
                         " (null if the pooling ignores the mask)");
  }
  return id;
}

// {"id": n}, or zeros.
std::optional<uint32_t> read_empty_id(const JsonReader& object, const EmbeddingTables::Part& part) {
  const auto field = object.find("empty");
  if (!field) return std::nullopt;
  if (!field->is_object()) {
    field->choice({"zero"});
    return std::nullopt;
  }
  field->allow_keys({"id"});
  return static_cast<uint32_t>(field->get("id", "the element of a row that has none").count(part.rows - 1));
}

void bind_sequence(const JsonReader& object, EmbeddingTables& tables, KeySources& sources, Feature& feature) {
  object.allow_keys({"name", "column", "kind", "side", "vocabulary", "first_id", "ids", "unknown", "missing",
                     "embedding", "first_row", "quantised", "embedding_width", "length", "pooling", "padding_id",
                     "weights", "empty"});
  const EmbeddingTables::Part part = tables.find(object);
  SequenceFeature sequence;
  sequence.vocabulary = read_vocabulary(object, part.rows, part.name, sources);
  if (crosses(sequence.vocabulary)) {
    object.get("vocabulary", "").fail("a sequence has no crosses");
  }
  const JsonReader length = object.get("length", "the most elements of a row");
  sequence.length = length.count(kMaxDim);
  if (sequence.length == 0) length.fail_expected("1 or more");
  sequence.pooling = static_cast<Pooling>(  // in the order of Pooling
      object.get("pooling", "sum, mean, max, none or sqrtn: it is not in the weights")
          .choice({"sum", "mean", "max", "none", "sqrtn"}));
  if (const auto weights = object.find("weights")) {
    const bool sums = sequence.pooling != Pooling::kMax && sequence.pooling != Pooling::kKept;
    if (!sums) weights->fail("only for the pooling sum, mean or sqrtn");
    sequence.weights = weights->string();
  }
  sequence.padding_id = read_padding_id(object, part);
  sequence.empty_id = read_empty_id(object, part);
  const size_t empty_rows = sequence.empty_id ? size_t{*sequence.empty_id} + 1 : 0;
  sequence.embedding = tables.add(part, std::max(num_rows(sequence.vocabulary), empty_rows));
  feature.width = part.width;
  if (sequence.pooling == Pooling::kKept) {
    feature.width = (part.width + 1) * sequence.length;
    if (feature.width > kMaxDim) length.fail_expected("at most " + std::to_string(kMaxDim / (part.width + 1)));
  }
  feature.kind = std::move(sequence);
}

Feature bind_feature(const JsonReader& object, TensorIndex& tensors, EmbeddingTables& tables, KeySources& sources) {
  Feature feature;
  feature.name = object.get("name", "the column of the raw data").string();
  if (const auto column = object.find("column")) feature.source = column->string();
  if (const auto side = object.find("side")) {
    feature.side = static_cast<Side>(side->choice({"context", "user", "item"}));  // in the order of Side
  }
  switch (object.get("kind", "dense, categorical or sequence").choice({"dense", "categorical", "sequence"})) {
    case 0: bind_dense_feature(object, tensors, feature); break;
    case 1: bind_categorical(object, tables, sources, feature); break;
    default: bind_sequence(object, tables, sources, feature);
  }
  return feature;
}

// A wide feature `a` has the raw columns a.0, a.1, ..., which another feature may already have taken, unless one of
// them says by `column` that it means to.
void claim_columns(const JsonReader& object, const Feature& feature, std::set<std::string>& names,
                   std::map<std::string, bool>& columns) {
  if (!names.insert(feature.name).second) object.fail("two features are named \"" + feature.name + "\"");
  const Vocabulary* vocabulary = feature.vocabulary();
  if (vocabulary != nullptr && crosses(*vocabulary)) return;  // it has no own
  const size_t num_values = embedding_of(feature) ? 0 : feature.num_values();
  const bool wide = num_values > 1;
  const std::string& source = feature.source.empty() ? feature.name : feature.source;
  for (size_t i = 0; i < (wide ? num_values : 1); ++i) {
    const std::string column = wide ? source + "." + std::to_string(i) : source;
    const auto [other, added] = columns.emplace(column, !feature.source.empty());
    if (added || other->second || !feature.source.empty()) continue;
    object.fail("two features read the column \"" + column +
                "\"; where they are meant to, give the later one a name of its " + "own and \"column\": \"" + source +
                "\"");
  }
}

// Binds features one after the other, each of which adds its columns to x.
class FeatureBinder {
 public:
  FeatureBinder(const JsonReader& list, TensorIndex& tensors, KeySources& sources, TrainedModel& model)
      : list_(list), tensors_(tensors), sources_(sources), model_(model), tables_(tensors, model.embeddings) {}

  void bind(const JsonReader& object) {
    const std::optional<nlohmann::json> resolved = resolve_keras_layers(object, tensors_);
    bind_resolved(resolved ? JsonReader(*resolved, object.path()) : object);
  }

  void bind_preprocessing(const JsonReader& entry) {
    for (const MadeFeature& made : read_preprocessing(entry, sources_, tensors_)) {
      bind_resolved(JsonReader(made.description, entry.path() + " (" + join({made.source}) + ")"));
    }
  }

 private:
  void bind_resolved(const JsonReader& object) {
    model_.features.push_back(bind_feature(object, tensors_, tables_, sources_));
    claim_columns(object, model_.features.back(), names_, columns_);
    model_.input_dim += model_.features.back().width;
    if (model_.input_dim > kMaxDim) list_.fail("x is wider than " + std::to_string(kMaxDim) + " columns");
    if (model_.features.size() > kMaxFeatures) list_.fail_expected("at most " + std::to_string(kMaxFeatures));
  }

  const JsonReader& list_;
  TensorIndex& tensors_;
  KeySources& sources_;
  TrainedModel& model_;
  EmbeddingTables tables_;
  std::set<std::string> names_;
  std::map<std::string, bool> columns_;  // whether `column` says it
};

}  // namespace

void bind_features(const JsonReader& list, TensorIndex& tensors, KeySources& sources, TrainedModel& model) {
  const std::vector<JsonReader> items = list.items();
  if (items.empty()) list.fail("empty; leave it out if the caller passes x itself");
  FeatureBinder binder(list, tensors, sources, model);
  for (const JsonReader& item : items) {
    is_preprocessing(item) ? binder.bind_preprocessing(item) : binder.bind(item);
  }
}

}  // namespace mmoe::converter
