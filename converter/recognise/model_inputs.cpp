#include "converter/recognise/model_inputs.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "converter/error.h"
#include "converter/model/limits.h"

namespace mmoe::converter {

size_t ModelInputs::width(size_t input) const {
  const std::vector<uint64_t>& shape = graph_.inputs[input].shape;
  return std::accumulate(shape.begin() + 1, shape.end(), size_t{1}, std::multiplies<>());
}

void ModelInputs::add(const Vector& vector) {
  for (const Ref ref : vector) {
    const Expression& expression = expressions_.of(ref);
    if (expression.kind == ExpressionKind::kInput) {
      inputs_.insert(expression.node);
      values_.insert({expression.node, ref.column});
      continue;
    }
    if (expression.kind == ExpressionKind::kNumber) {
      const Ref input = expression.inputs[ref.column];
      const Column column{expressions_.of(input).node, input.column};
      inputs_.insert(column.first);
      std::vector<Scaling>& found = numbers_[column];
      if (place_of_number(column, scaling_of(ref)) == found.size()) found.push_back(scaling_of(ref));
      continue;
    }
    if (expression.kind == ExpressionKind::kPooled) {
      add_pooled(expression, {ref.expression, 0});
      continue;
    }
    const Ref id = lookup_of(expression).input;
    const Expression& source = expressions_.of(id);
    if (source.kind != ExpressionKind::kInput) chains_.fail(ref, "looks up what is no input of the model");
    inputs_.insert(source.node);
    std::vector<Ref>& found = lookups_[{source.node, id.column}];
    const auto same = [&](Ref other) { return field_of(expressions_.of(other)) == field_of(expression); };
    if (std::none_of(found.begin(), found.end(), same)) found.push_back({ref.expression, 0});
  }
}

namespace {

/// What recognition makes of features; NaN is the same as NaN.
bool same_scaling(const Scaling& a, const Scaling& b) {
  const bool same_missing = a.missing == b.missing || (std::isnan(a.missing) && std::isnan(b.missing));
  return same_missing && a.function == b.function && a.lower == b.lower && a.upper == b.upper && a.points == b.points;
}

}  // namespace

/// Among what the column becomes.
size_t ModelInputs::place_of_number(Column column, const Scaling& scaling) const {
  const std::vector<Scaling>& all = numbers_.at(column);
  const auto same = [&](const Scaling& other) { return same_scaling(other, scaling); };
  return static_cast<size_t>(std::find_if(all.begin(), all.end(), same) - all.begin());
}

void ModelInputs::add_pooled(const Expression& pooled, Ref at) {
  const size_t input = expressions_.of(pooled.inputs.front()).node;
  inputs_.insert(input);
  pooled_[input];
  if (place_of_pooled(pooled) == pooled_[input].size()) pooled_[input].push_back(at);
}

/// Among what the input is pooled to.
size_t ModelInputs::place_of_pooled(const Expression& pooled) const {
  const std::vector<Ref>& all = pooled_.at(expressions_.of(pooled.inputs.front()).node);
  const auto same = [&](Ref other) {
    const Expression& known = expressions_.of(other);
    return known.weight == pooled.weight && known.pooling == pooled.pooling && known.padding_id == pooled.padding_id;
  };
  return static_cast<size_t>(std::find_if(all.begin(), all.end(), same) - all.begin());
}

namespace {

/// A column that is read in several ways is as many features.
std::string feature_name(const std::string& column, size_t place) {
  return place == 0 ? column : column + "@" + std::to_string(place + 1);
}

}  // namespace

void ModelInputs::finish(TrainedModel& model, std::vector<std::string>& notes) {
  const bool raw = inputs_.size() == 1 && lookups_.empty() && pooled_.empty() && numbers_.empty();
  for (size_t input = 0; input < graph_.inputs.size(); ++input) {
    if (inputs_.count(input) == 0) {
      notes.push_back("input '" + graph_.inputs[input].name + "' is not read");
      continue;
    }
    const bool has_ids = std::any_of(lookups_.begin(), lookups_.end(),
                                     [input](const auto& lookup) { return lookup.first.first == input; });
    if (pooled_.count(input) != 0) {
      for (size_t place = 0; place < pooled_.at(input).size(); ++place) add_sequence(input, place, model);
      if (has_ids) add_looked_up(input, model);
    } else {
      const bool apart = has_ids || std::any_of(numbers_.begin(), numbers_.end(),
                                                [input](const auto& number) { return number.first.first == input; });
      apart ? add_columns(input, model) : add_dense(input, model);
    }
  }
  check_assumed_ids();
  if (raw) model.features.clear();
  if (model.features.size() > kMaxFeatures) throw ConvertError("not recognised: more than 4096 features");
  if (input_dim_ > kMaxDim) throw ConvertError("not recognised: x is wider than 2^20 columns");
  model.input_dim = input_dim_;
}

/// A feature of ids refuses numbers below 0; a number does not.
void ModelInputs::check_assumed_ids() const {
  for (const Ref id : expressions_.assumed_ids()) {
    if (lookups_.count({expressions_.of(id).node, id.column}) != 0 || pooled_.count(expressions_.of(id).node) != 0)
      continue;
    throw ConvertError("not recognised: input '" + graph_.inputs[expressions_.of(id).node].name +
                       "' is compared with 0, as ids are, but no row of a table is looked up with it");
  }
}

void ModelInputs::add_dense(size_t input, TrainedModel& model) {
  Feature feature;
  feature.name = graph_.inputs[input].name;
  feature.width = width(input);
  feature.kind = DenseFeature();
  for (uint32_t column = 0; column < feature.width; ++column) value_at_[{input, column}] = input_dim_ + column;
  input_dim_ += feature.width;
  model.features.push_back(std::move(feature));
}

void ModelInputs::add_columns(size_t input, TrainedModel& model) {
  const std::string& name = graph_.inputs[input].name;
  const size_t columns = width(input);
  for (uint32_t i = 0; i < columns; ++i) {
    const Column column{input, i};
    const std::string column_name = columns == 1 ? name : name + "." + std::to_string(i);
    const auto lookups = lookups_.find(column);
    for (size_t place = 0; lookups != lookups_.end() && place < lookups->second.size(); ++place) {
      add_categorical(column, lookups->second[place], feature_name(column_name, place), model);
      if (place != 0) model.features.back().source = column_name;
    }
    add_numbers(column, column_name, model);
  }
}

/// A number that is also an id comes behind it; what functions make of it behind that.
void ModelInputs::add_numbers(Column column, const std::string& name, TrainedModel& model) {
  const bool also_id = lookups_.count(column) != 0;
  const std::string number_name = also_id ? name + "@number" : name;
  size_t place = 0;
  const auto add = [&](const Scaling& scaling) {
    Feature feature;
    feature.name = feature_name(number_name, place++);
    if (feature.name != name) feature.source = name;
    DenseFeature dense;
    dense.scaling = scaling;
    feature.kind = std::move(dense);
    model.features.push_back(std::move(feature));
    return input_dim_++;
  };
  if (values_.count(column) != 0) value_at_[column] = add({});
  const auto numbers = numbers_.find(column);
  for (size_t i = 0; numbers != numbers_.end() && i < numbers->second.size(); ++i)
    number_at_[{column, i}] = add(numbers->second[i]);
}

ModelInputs::Lookup ModelInputs::lookup_of(const Expression& embedding) const {
  const Ref id = embedding.inputs.front();
  const Expression& source = expressions_.of(id);
  if (source.kind != ExpressionKind::kShiftedId) return {id, 0};
  return {source.inputs[id.column], static_cast<size_t>(source.shifts[id.column])};
}

/// Fields that share a table by shifts lie one behind the other: one ends where the next begins.
size_t ModelInputs::end_of_field(const Expression& embedding, size_t begin) const {
  size_t end = embedding.weight->rows;
  for (const auto& entry : lookups_) {
    for (const Ref lookup : entry.second) {
      const Expression& other = expressions_.of(lookup);
      const size_t other_begin = lookup_of(other).begin;
      if (other_begin > begin && other.weight == embedding.weight) end = std::min(end, other_begin);
    }
  }
  return end;
}

/// Of the rows from `begin` to `end` of the table.
size_t ModelInputs::embedding_index(const Expression& row, size_t begin, size_t end, const std::string& name,
                                    TrainedModel& model) {
  const auto [at, fresh] = embeddings_.emplace(std::make_pair(row.weight.get(), begin), model.embeddings.size());
  if (!fresh) return at->second;
  const bool whole = begin == 0 && end == row.weight->rows;
  std::string table = row.name.empty() ? name : row.name;
  if (!whole) table += "[" + std::to_string(begin) + ":" + std::to_string(end) + "]";
  const auto first = row.weight->data.begin() + static_cast<std::ptrdiff_t>(begin * row.weight->cols);
  const auto last = row.weight->data.begin() + static_cast<std::ptrdiff_t>(end * row.weight->cols);
  model.embeddings.push_back({table, Table(end - begin, row.weight->cols, {first, last})});
  return at->second;
}

void ModelInputs::add_sequence(size_t input, size_t place, TrainedModel& model) {
  pooled_at_[{input, place}] = add_sequence(input, place, expressions_.of(pooled_.at(input)[place]), model);
}

/// One feature of as many ids as the input has columns. Where it is in x.
size_t ModelInputs::add_sequence(size_t input, size_t place, const Expression& pooled, TrainedModel& model) {
  Feature feature;
  feature.name = feature_name(graph_.inputs[input].name, place);
  if (place != 0) feature.source = graph_.inputs[input].name;
  feature.width = pooled.columns;
  SequenceFeature sequence;
  sequence.embedding = embedding_index(pooled, 0, pooled.weight->rows, feature.name, model);
  sequence.vocabulary.identity = true;
  sequence.vocabulary.size = pooled.weight->rows;
  sequence.length = pooled.inputs.size();
  sequence.pooling = pooled.pooling;
  sequence.padding_id = pooled.padding_id;
  feature.kind = std::move(sequence);
  model.features.push_back(std::move(feature));
  input_dim_ += pooled.columns;
  return input_dim_ - pooled.columns;
}

/// A sequence that is there for its mask has the same elements, if that of the padding is zeros.
std::optional<size_t> ModelInputs::place_of_kept(size_t input, const Expression& embedding) const {
  const std::vector<Ref>& all = pooled_.at(input);
  for (size_t place = 0; place < all.size(); ++place) {
    const Expression& kept = expressions_.of(all[place]);
    if (kept.pooling != Pooling::kKept || kept.weight != embedding.weight) continue;
    bool same = true;
    for (size_t i = 0; kept.padding_id && i < embedding.columns; ++i)
      same = same && kept.weight->at(*kept.padding_id, i) == 0;
    if (same) return pooled_at_.at({input, place});
  }
  return std::nullopt;
}

/// Ids of a sequence that are also looked up one by one: elements of a sequence that is not pooled.
void ModelInputs::add_looked_up(size_t input, TrainedModel& model) {
  std::map<const Matrix*, size_t> sequences;  // where in x
  for (const auto& [column, lookups] : lookups_) {
    if (column.first != input) continue;
    for (const Ref lookup : lookups) {
      const Expression& row = expressions_.of(lookup);
      if (lookup_of(row).begin != 0 || values_.count(column) != 0 || numbers_.count(column) != 0)
        chains_.fail(lookup, "reads ids of a sequence in another way than by their embeddings");
      const auto [at, fresh] = sequences.emplace(row.weight.get(), 0);
      if (fresh) {
        Expression kept = row;
        kept.kind = ExpressionKind::kPooled;
        kept.pooling = Pooling::kKept;
        kept.inputs = expressions_.all(row.inputs.front().expression);
        kept.columns = kept.inputs.size() * (row.columns + 1);
        const std::optional<size_t> known = place_of_kept(input, row);
        at->second = known ? *known : add_sequence(input, pooled_.at(input).size() + sequences.size() - 1, kept, model);
      }
      lookup_at_[{column, field_of(row)}] = at->second + column.second * row.columns;
    }
  }
}

void ModelInputs::add_categorical(Column column, Ref lookup, const std::string& name, TrainedModel& model) {
  const Expression& row = expressions_.of(lookup);
  const size_t begin = lookup_of(row).begin;
  const size_t end = end_of_field(row, begin);
  if (begin >= end) chains_.fail(lookup, "looks the ids of '" + name + "' up beyond the end of its table");
  SparseFeature sparse;
  sparse.embedding = embedding_index(row, begin, end, name, model);
  sparse.vocabulary.identity = true;
  sparse.vocabulary.size = end - begin;
  if (row.zero_beyond) sparse.vocabulary.unknown = UnknownRule::kZero;
  Feature feature;
  feature.name = name;
  feature.width = row.columns;
  feature.kind = std::move(sparse);
  lookup_at_[{column, field_of(row)}] = input_dim_;
  input_dim_ += feature.width;
  model.features.push_back(std::move(feature));
}

/// x may be wide where each layer reads little of it: the zeros between are bounded too.
void ModelInputs::count_zeros(Ref at, const DenseLayer& layer) const {
  constexpr size_t kMaxZeros = size_t{1} << 26, kPerWeight = 8;
  zeros_allowed_ += kPerWeight * layer.weight.data.size();
  zeros_ += layer.outputs() * input_dim_;
  if (zeros_ > kMaxZeros + zeros_allowed_) {
    chains_.fail(at, "reads little of an x of " + std::to_string(input_dim_) +
                         " columns, as layers before it do: their weights, "
                         "zeros for the other columns, would take more than 2^26 numbers");
  }
}

size_t ModelInputs::column_of(Ref ref) const {
  const Expression& expression = expressions_.of(ref);
  if (expression.kind == ExpressionKind::kPooled) {
    const size_t input = expressions_.of(expression.inputs.front()).node;
    return pooled_at_.at({input, place_of_pooled(expression)}) + ref.column;
  }
  if (expression.kind == ExpressionKind::kNumber) {
    const Ref input = expression.inputs[ref.column];
    const Column column{expressions_.of(input).node, input.column};
    return number_at_.at({column, place_of_number(column, scaling_of(ref))});
  }
  const bool value = expression.kind == ExpressionKind::kInput;
  const Ref id = value ? ref : lookup_of(expression).input;
  const Column column{expressions_.of(id).node, id.column};
  return value ? value_at_.at(column) : lookup_at_.at({column, field_of(expression)}) + ref.column;
}

void ModelInputs::read_x(const Vector& vector, DenseLayer& layer) const {
  count_zeros(vector.front(), layer);
  Matrix weight{layer.outputs(), input_dim_, std::vector<float>(layer.outputs() * input_dim_, 0.0f)};
  for (size_t i = 0; i < vector.size(); ++i) {
    const size_t to = column_of(vector[i]);
    for (size_t row = 0; row < weight.rows; ++row) weight.data[row * input_dim_ + to] += layer.weight.at(row, i);
  }
  layer.weight = std::move(weight);
}

}  // namespace mmoe::converter
