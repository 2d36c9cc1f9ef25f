#include "converter/recognise/heads.h"

#include <algorithm>
#include <optional>

#include "converter/description/limits.h"
#include "converter/error.h"

namespace mmoe::converter {
namespace {

std::optional<size_t> head_of(const std::vector<Head>& heads, Ref score) {
  const auto found = std::find_if(heads.begin(), heads.end(), [&](const Head& head) { return head.score == score; });
  if (found == heads.end()) return std::nullopt;
  return static_cast<size_t>(found - heads.begin());
}

void read_score(const Expressions& expressions, const std::vector<Head>& earlier, Head& head) {
  const Expression& expression = expressions.of(head.score);
  head.logits = {head.score};
  if (expression.kind == ExpressionKind::kActivation && expression.activation.kind == ActivationKind::kSigmoid) {
    head.sigmoid = true;
    head.logits = {expression.inputs[head.score.column]};
  } else if (expression.kind == ExpressionKind::kSoftmax) {
    head.softmax = true;
    head.column = head.score.column;
    head.logits = expression.inputs;
  } else if (expression.kind == ExpressionKind::kSum && expression.terms[head.score.column].size() == 1) {
    const Term& term = expression.terms[head.score.column].front();
    const auto first = head_of(earlier, term.a), second = head_of(earlier, term.b);
    if (!term.product || term.coefficient != 1 || !first || !second) return;
    head.factors = {*first, *second};
    head.logits.clear();
  }
}

}  // namespace

std::vector<Head> find_heads(const OnnxGraph& graph, const FollowedGraph& followed) {
  std::vector<Head> heads;
  for (size_t i = 0; i < graph.outputs.size(); ++i) {
    const TensorValue& value = followed.outputs[i];
    const std::string& name = graph.outputs[i].name;
    if (!value.is_rows() || value.ids) throw ConvertError("not recognised: output '" + name + "' is no score");
    for (size_t k = 0; k < value.refs.size(); ++k) {
      Head head;
      head.name = value.refs.size() == 1 ? name : name + "." + std::to_string(k);
      head.score = value.refs[k];
      read_score(followed.expressions, heads, head);
      heads.push_back(std::move(head));
      if (heads.size() > kMaxTasks) throw ConvertError("not recognised: more than 64 outputs");
    }
  }
  if (heads.empty()) throw ConvertError("not recognised: the graph has no output");
  return heads;
}

}  // namespace mmoe::converter
