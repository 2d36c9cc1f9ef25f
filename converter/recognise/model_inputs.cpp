#include "converter/recognise/model_inputs.h"

#include <algorithm>
#include <numeric>

#include "converter/description/limits.h"
#include "converter/error.h"

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
    const Ref id = expression.inputs.front();
    const Expression& source = expressions_.of(id);
    if (source.kind != ExpressionKind::kInput) chains_.fail(ref, "looks up what is no input of the model");
    inputs_.insert(source.node);
    std::vector<Ref>& found = lookups_[{source.node, id.column}];
    const Ref first{ref.expression, 0};
    if (std::find(found.begin(), found.end(), first) == found.end()) found.push_back(first);
  }
}

void ModelInputs::finish(ModelDescription& model, std::vector<std::string>& notes) {
  const bool raw = inputs_.size() == 1 && lookups_.empty();
  for (size_t input = 0; input < graph_.inputs.size(); ++input) {
    if (inputs_.count(input) == 0) {
      notes.push_back("input '" + graph_.inputs[input].name + "' is not read");
      continue;
    }
    const bool has_ids = std::any_of(lookups_.begin(), lookups_.end(),
                                     [input](const auto& lookup) { return lookup.first.first == input; });
    has_ids ? add_columns(input, model) : add_dense(input, model);
  }
  if (raw) model.features.clear();
  if (model.features.size() > kMaxFeatures) throw ConvertError("not recognised: more than 4096 features");
  if (input_dim_ > kMaxDim) throw ConvertError("not recognised: x is wider than 2^20 columns");
  model.input_dim = input_dim_;
}

void ModelInputs::add_dense(size_t input, ModelDescription& model) {
  Feature feature;
  feature.name = graph_.inputs[input].name;
  feature.width = width(input);
  feature.kind = DenseFeature();
  for (uint32_t column = 0; column < feature.width; ++column) value_at_[{input, column}] = input_dim_ + column;
  input_dim_ += feature.width;
  model.features.push_back(std::move(feature));
}

void ModelInputs::add_columns(size_t input, ModelDescription& model) {
  const std::string& name = graph_.inputs[input].name;
  const size_t columns = width(input);
  for (uint32_t i = 0; i < columns; ++i) {
    const Column column{input, i};
    const std::string column_name = columns == 1 ? name : name + "." + std::to_string(i);
    if (lookups_.count(column) != 0) {
      add_categorical(column, column_name, model);
    } else if (values_.count(column) != 0) {
      Feature feature;
      feature.name = column_name;
      feature.kind = DenseFeature();
      value_at_[column] = input_dim_++;
      model.features.push_back(std::move(feature));
    }
  }
}

void ModelInputs::add_categorical(Column column, const std::string& name, ModelDescription& model) {
  const std::vector<Ref>& embeddings = lookups_.at(column);
  const Expression& row = expressions_.of(embeddings.front());
  for (const Ref other : embeddings) {
    const Expression& second = expressions_.of(other);
    const bool same = second.weight == row.weight || (!row.name.empty() && second.name == row.name);
    if (!same) chains_.fail(other, "looks the ids of '" + name + "' up in a second table");
  }
  if (values_.count(column) != 0) chains_.fail(embeddings.front(), "looks '" + name + "' up, which is read as a number too");
  const auto known = std::find_if(model.embeddings.begin(), model.embeddings.end(),
                                  [&](const Embedding& embedding) { return embedding.name == row.name; });
  SparseFeature sparse;
  sparse.embedding = static_cast<size_t>(known - model.embeddings.begin());
  if (known == model.embeddings.end() || row.name.empty()) {
    sparse.embedding = model.embeddings.size();
    model.embeddings.push_back({row.name.empty() ? name : row.name, *row.weight});
  }
  sparse.vocabulary.identity = true;
  sparse.vocabulary.size = row.weight->rows;
  Feature feature;
  feature.name = name;
  feature.width = row.columns;
  feature.kind = std::move(sparse);
  lookup_at_[column] = input_dim_;
  input_dim_ += feature.width;
  model.features.push_back(std::move(feature));
}

void ModelInputs::read_x(const Vector& vector, DenseLayer& layer) const {
  Matrix weight{layer.outputs(), input_dim_, std::vector<float>(layer.outputs() * input_dim_, 0.0f)};
  for (size_t i = 0; i < vector.size(); ++i) {
    const Expression& expression = expressions_.of(vector[i]);
    const bool value = expression.kind == ExpressionKind::kInput;
    const Ref id = value ? vector[i] : expression.inputs.front();
    const Column column{expressions_.of(id).node, id.column};
    const size_t to = value ? value_at_.at(column) : lookup_at_.at(column) + vector[i].column;
    for (size_t row = 0; row < weight.rows; ++row) weight.data[row * input_dim_ + to] += layer.weight.at(row, i);
  }
  layer.weight = std::move(weight);
}

}  // namespace mmoe::converter
