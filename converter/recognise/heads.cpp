#include "converter/recognise/heads.h"

#include <algorithm>
#include <optional>

#include "converter/error.h"
#include "converter/model/limits.h"

namespace mmoe::converter {
namespace {

/// The columns of a softmax times constants, summed, and another constant.
struct WeightedColumns {
  uint32_t softmax = 0;
  std::vector<double> values;
  double shift = 0;
};

std::optional<WeightedColumns> weighted_columns(const Expressions& expressions, Ref ref) {
  const Expression& expression = expressions.of(ref);
  WeightedColumns result;
  const auto add = [&](Ref column, double weight) {
    const Scaled scaled = expressions.scaled(column);
    const Expression& softmax = expressions.of(scaled.of);
    if (softmax.kind != ExpressionKind::kSoftmax || softmax.top_k != 0) return false;
    if (result.values.empty()) {
      result.softmax = scaled.of.expression;
      result.values.assign(softmax.columns, 0.0);
    }
    if (result.softmax != scaled.of.expression) return false;
    result.values[scaled.of.column] += weight * scaled.scale;
    result.shift += weight * scaled.shift;
    return true;
  };
  if (expression.kind == ExpressionKind::kSum) {
    for (const Term& term : expression.terms[ref.column]) {
      if (term.product || !add(term.a, double{term.coefficient})) return std::nullopt;
    }
  } else if (expression.kind == ExpressionKind::kDense) {
    for (size_t i = 0; i < expression.inputs.size(); ++i) {
      if (!add(expression.inputs[i], double{expression.weight->at(ref.column, i)})) return std::nullopt;
    }
    if (!expression.bias.empty()) result.shift += expression.bias[ref.column];
  }
  return result.values.empty() ? std::nullopt : std::make_optional(std::move(result));
}

class HeadFinder {
 public:
  explicit HeadFinder(const Expressions& expressions) : expressions_(expressions) {}

  /// The number of a new head. Factors that are no heads yet come before it.
  size_t add(const std::string& name, Ref score, bool output) {
    Head head;
    head.name = name;
    head.score = score;
    head.output = output;
    read_score(head);
    heads_.push_back(std::move(head));
    if (heads_.size() > kMaxTasks) throw ConvertError("not recognised: more than 64 outputs");
    return heads_.size() - 1;
  }

  std::vector<Head>& heads() { return heads_; }

 private:
  /// score = clamp(scale * a + shift, lower, upper), and a.
  struct Outer {
    double scale = 1, shift = 0;
    double lower = -std::numeric_limits<double>::infinity(), upper = std::numeric_limits<double>::infinity();
    Ref of;
    bool clamped = false;
  };

  Outer outer_of(Ref score) const {
    Outer outer;
    outer.of = score;
    for (;;) {
      const Scaled scaled = expressions_.scaled(outer.of);
      outer.shift += outer.scale * scaled.shift;
      outer.scale *= scaled.scale;
      outer.of = scaled.of;
      const Expression& expression = expressions_.of(outer.of);
      if (expression.kind != ExpressionKind::kActivation || expression.activation.kind != ActivationKind::kClamp)
        return outer;
      double lower = outer.scale * expression.activation.alpha + outer.shift;
      double upper = outer.scale * expression.activation.beta + outer.shift;
      if (outer.scale < 0) std::swap(lower, upper);
      const double least = outer.lower, most = outer.upper;
      outer.lower = std::min(std::max(lower, least), most);
      outer.upper = std::min(std::max(upper, least), most);
      outer.of = expression.inputs[outer.of.column];
      outer.clamped = true;
    }
  }

  void read_score(Head& head) {
    const Outer outer = outer_of(head.score);
    Link& link = head.link;
    link.scale = static_cast<float>(outer.scale);
    link.shift = static_cast<float>(outer.shift);
    link.lower = static_cast<float>(outer.lower);
    link.upper = static_cast<float>(outer.upper);
    const Expression& expression = expressions_.of(outer.of);
    const ActivationKind activation = expression.activation.kind;
    const bool softmax = expression.kind == ExpressionKind::kSoftmax && expression.top_k == 0;
    if (softmax || expression.kind == ExpressionKind::kLogSoftmax) {
      link.source = softmax ? LinkSource::kSoftmaxColumn : LinkSource::kLogSoftmaxColumn;
      link.column = outer.of.column;
      head.logits = expression.inputs;
    } else if (expression.kind == ExpressionKind::kActivation && activation != ActivationKind::kPRelu &&
               activation != ActivationKind::kDice) {
      link.activation = expression.activation;
      head.logits = {expression.inputs[outer.of.column]};
    } else if (const auto columns = weighted_columns(expressions_, outer.of)) {
      link.source = LinkSource::kExpectedValue;
      link.values.assign(columns->values.begin(), columns->values.end());
      link.shift = static_cast<float>(outer.shift + outer.scale * columns->shift);
      head.logits = expressions_[columns->softmax].inputs;
    } else if (!read_product(outer.of, head)) {
      // A map of the logit alone is the tower's.
      if (!outer.clamped) link = {};
      head.logits = {outer.clamped ? outer.of : head.score};
    }
  }

  /// The only term, if it is a product.
  const Term* product_of(Ref ref) const {
    const Expression& expression = expressions_.of(ref);
    if (expression.kind != ExpressionKind::kSum || expression.terms[ref.column].size() != 1) return nullptr;
    const Term& term = expression.terms[ref.column].front();
    return term.product ? &term : nullptr;
  }

  bool read_product(Ref ref, Head& head) {
    const Term* term = product_of(ref);
    if (term == nullptr) return false;
    double scale = double{term->coefficient} * double{head.link.scale};
    head.link.source = LinkSource::kProduct;
    for (const Ref factor : {term->a, term->b}) add_factor(factor, head, scale, 0);
    head.link.scale = static_cast<float>(scale);
    return true;
  }

  void add_factor(Ref ref, Head& head, double& scale, size_t depth) {
    if (depth > kMaxTasks)
      throw ConvertError("not recognised: output '" + head.name + "' is a product of more than 64 factors");
    const auto known =
        std::find_if(heads_.begin(), heads_.end(), [&](const Head& other) { return other.score == ref; });
    if (known != heads_.end()) {
      head.link.factors.push_back(static_cast<size_t>(known - heads_.begin()));
      return;
    }
    const Scaled scaled = expressions_.scaled(ref);
    const Term* term = scaled.shift == 0 ? product_of(scaled.of) : nullptr;
    if (term != nullptr) {
      scale *= scaled.scale * double{term->coefficient};
      for (const Ref factor : {term->a, term->b}) add_factor(factor, head, scale, depth + 1);
      return;
    }
    head.link.factors.push_back(add(head.name + ".factor" + std::to_string(head.link.factors.size()), ref, false));
  }

  const Expressions& expressions_;
  std::vector<Head> heads_;
};

}  // namespace

std::vector<Head> find_heads(const OnnxGraph& graph, const FollowedGraph& followed) {
  HeadFinder finder(followed.expressions);
  for (size_t i = 0; i < graph.outputs.size(); ++i) {
    const TensorValue& value = followed.outputs[i];
    const std::string& name = graph.outputs[i].name;
    if (!value.is_rows() || value.ids) throw ConvertError("not recognised: output '" + name + "' is no score");
    if (value.shape[value.batch_axis] != 1)
      throw ConvertError("not recognised: output '" + name + "' has several rows for each row of the batch");
    for (size_t k = 0; k < value.refs.size(); ++k) {
      finder.add(value.refs.size() == 1 ? name : name + "." + std::to_string(k), value.refs[k], true);
    }
  }
  if (finder.heads().empty()) throw ConvertError("not recognised: the graph has no output");
  return std::move(finder.heads());
}

std::vector<const Head*> find_towers(const std::vector<Head>& heads) {
  std::vector<const Head*> towers;
  for (const Head& head : heads) {
    const auto same = [&](const Head* other) { return other->logits == head.logits; };
    if (!head.logits.empty() && std::none_of(towers.begin(), towers.end(), same)) towers.push_back(&head);
  }
  return towers;
}

std::vector<Task> make_tasks(const std::vector<Head>& heads) {
  const std::vector<const Head*> towers = find_towers(heads);
  std::vector<Task> tasks;
  for (const Head& head : heads) {
    const auto same = [&](const Head* other) { return other->logits == head.logits; };
    Task task{head.name, head.link, head.output};
    if (!head.logits.empty())
      task.link.tower = static_cast<size_t>(std::find_if(towers.begin(), towers.end(), same) - towers.begin());
    tasks.push_back(std::move(task));
  }
  return tasks;
}

}  // namespace mmoe::converter
