#include "converter/recognise/normalisations.h"

#include <algorithm>
#include <map>

#include "converter/error.h"
#include "converter/importers/messages.h"
#include "converter/recognise/norm_parts.h"
#include "converter/recognise/selections.h"

namespace mmoe::converter {
namespace {

/// Over one axis; before opset 13 over it, by default axis 1, and all behind it.
NodeResults softmax_of_kind(const NodeCall& call, ExpressionKind kind) {
  const TensorValue& value = call.rows(0);
  const bool flattened = call.opset < 13;
  const size_t axis = resolve_axis(call.integer("axis", flattened ? 1 : -1), value.rank());
  if (axis == value.batch_axis || (flattened && axis < value.batch_axis))
    throw ConvertError("is a softmax over the batch");
  TensorValue result = value;
  size_t inner = 1, size = value.shape[axis];
  for (size_t i = axis + 1; i < value.rank(); ++i) (flattened ? size : inner) *= value.shape[i];
  for (size_t at = 0; at < value.refs.size(); at += size * inner) {
    for (size_t k = 0; k < inner; ++k) {
      Expression expression;
      expression.kind = kind;
      expression.node = call.index;
      expression.columns = size;
      for (size_t i = 0; i < size; ++i) expression.inputs.push_back(value.refs[at + i * inner + k]);
      expression.inputs = first_of_largest(call, expression.inputs);
      if (kind == ExpressionKind::kSoftmax) select_top_k(call.expressions, expression);
      const Vector columns = call.expressions.all(call.expressions.add(std::move(expression)));
      for (size_t i = 0; i < size; ++i) result.refs[at + i * inner + k] = columns[i];
    }
  }
  return one(std::move(result));
}

/// With the running statistics, as in inference. Channels are axis 1.
NodeResults batch_normalization(const NodeCall& call) {
  const TensorValue& value = call.rows(0);
  if (call.integer("training_mode", 0) != 0) throw ConvertError("is in training mode; export with model.eval()");
  if (call.integer("spatial", 1) == 0) throw ConvertError("has statistics for every element (spatial = 0)");
  const auto& outputs = call.node.outputs;
  if (std::any_of(outputs.begin() + 1, outputs.end(), [](const std::string& output) { return !output.empty(); })) {
    throw ConvertError("gives statistics too, as in training; export with model.eval()");
  }
  if (value.rank() < 2 || value.batch_axis != 0) throw ConvertError("normalises something else than [batch, channels]");
  const size_t channels = value.shape[1];
  Expression affine;
  affine.kind = ExpressionKind::kAffine;
  affine.inputs = value.refs;
  affine.columns = value.refs.size();
  affine.norm.epsilon = static_cast<double>(call.real("epsilon", 1e-5f));
  const size_t places = value.shape[0], inner = channels == 0 ? 1 : value.refs.size() / channels / places;
  const auto spread = [&](size_t which) {
    const TensorValue& constant = call.floats(which);
    if (constant.floats.size() != channels) {
      throw ConvertError("has " + std::to_string(constant.floats.size()) + " values in " + in_quotes(constant.name) +
                         " for " + std::to_string(channels) + " channels");
    }
    std::vector<float> values;
    for (size_t place = 0; place < places; ++place) {
      for (const float x : constant.floats) values.insert(values.end(), inner, x);
    }
    return values;
  };
  affine.norm.gamma = spread(1);
  affine.norm.beta = spread(2);
  affine.norm.mean = spread(3);
  affine.norm.variance = spread(4);
  for (const float variance : affine.norm.variance) {
    if (!(variance >= 0) || static_cast<double>(variance) + affine.norm.epsilon <= 0) {
      throw ConvertError("has a variance that is not more than 0 with epsilon added");
    }
  }
  return one(call.rows_of(std::move(affine), value));
}

/// One node, since opset 17. Normalises the axes from `axis` on.
NodeResults layer_normalization(const NodeCall& call) {
  const TensorValue& value = call.rows(0);
  const size_t axis = resolve_axis(call.integer("axis", -1), value.rank());
  if (axis <= value.batch_axis) throw ConvertError("normalises over the batch");
  if (call.node.outputs.size() > 1) throw ConvertError("gives its mean and deviation too; expected one output");
  size_t width = 1;
  for (size_t i = axis; i < value.rank(); ++i) width *= value.shape[i];
  const auto spread = [&](size_t which, float otherwise) {
    if (!call.has(which)) return std::vector<float>(width, otherwise);
    const TensorValue& constant = call.floats(which);
    if (constant.size() != width && constant.size() != 1) {
      throw ConvertError("has " + std::to_string(constant.size()) + " values in " + in_quotes(constant.name) + " for " +
                         std::to_string(width) + " elements");
    }
    return constant.size() == width ? constant.floats : std::vector<float>(width, constant.floats[0]);
  };
  const LayerNorm norm{spread(1, 1), spread(2, 0), double{call.real("epsilon", 1e-5f)}};
  TensorValue result = value;
  for (size_t at = 0; at < value.refs.size(); at += width) {
    const Vector vector(value.refs.begin() + static_cast<std::ptrdiff_t>(at),
                        value.refs.begin() + static_cast<std::ptrdiff_t>(at + width));
    const Vector columns = call.expressions.all(add_layer_norm(call, vector, norm));
    std::copy(columns.begin(), columns.end(), result.refs.begin() + static_cast<std::ptrdiff_t>(at));
  }
  return one(std::move(result));
}

/// One node, since opset 23.
NodeResults rms_normalization(const NodeCall& call) {
  const TensorValue& value = call.rows(0);
  const size_t axis = resolve_axis(call.integer("axis", -1), value.rank());
  if (axis <= value.batch_axis) throw ConvertError("normalises over the batch");
  size_t width = 1;
  for (size_t i = axis; i < value.rank(); ++i) width *= value.shape[i];
  const TensorValue& scale = call.floats(1);
  if (width == 0 || (scale.size() != width && scale.size() != 1)) throw ConvertError("has a scale that does not fit");
  Expression affine;
  affine.kind = ExpressionKind::kAffine;
  for (size_t at = 0; at < value.refs.size(); at += width) {
    const auto first = value.refs.begin() + static_cast<std::ptrdiff_t>(at);
    const double epsilon = double{call.real("epsilon", 1e-5f)};
    const uint32_t norm =
        add_scaled_length(call, Vector(first, first + static_cast<std::ptrdiff_t>(width)), 1, epsilon);
    for (size_t i = 0; i < width; ++i) {
      affine.inputs.push_back({norm, static_cast<uint32_t>(2 * i)});
      affine.norm.gamma.push_back(scale.floats[scale.size() == 1 ? 0 : i]);
    }
  }
  affine.columns = affine.inputs.size();
  affine.norm.beta.assign(affine.columns, 0.0f);
  affine.norm.mean.assign(affine.columns, 0.0f);
  affine.norm.variance.assign(affine.columns, 1.0f);
  affine.norm.epsilon = 0;
  return one(call.rows_of(std::move(affine), value));
}

NodeResults softmax_of_rows(const NodeCall& call) { return softmax_of_kind(call, ExpressionKind::kSoftmax); }
NodeResults log_softmax(const NodeCall& call) { return softmax_of_kind(call, ExpressionKind::kLogSoftmax); }

}  // namespace

NodeFunction find_normalisation(const std::string& operation) {
  static const std::map<std::string, NodeFunction> kTable = {{"Softmax", softmax_of_rows},
                                                             {"LogSoftmax", log_softmax},
                                                             {"LayerNormalization", layer_normalization},
                                                             {"RMSNormalization", rms_normalization},
                                                             {"BatchNormalization", batch_normalization}};
  const auto found = kTable.find(operation);
  return found != kTable.end() ? found->second : nullptr;
}

}  // namespace mmoe::converter
