#include "converter/recognise/node_finder.h"

#include <algorithm>
#include <set>

#include "converter/error.h"
#include "converter/model/limits.h"
#include "converter/recognise/number_functions.h"

namespace mmoe::converter {
namespace {

constexpr size_t kMaxDescent = 2 * kMaxNodes, kMaxBareExpert = 1024;

bool has_slopes(const Activation& activation) {
  return activation.kind == ActivationKind::kPRelu || activation.kind == ActivationKind::kDice;
}

/// What an expression reads, over all its columns.
template <typename Visit>
void for_each_read(const Expression& expression, Visit visit) {
  for (const Ref ref : expression.inputs) visit(ref);
  for (const std::vector<Term>& terms : expression.terms) {
    for (const Term& term : terms) {
      visit(term.a);
      if (term.product) visit(term.b);
    }
  }
}

}  // namespace

size_t StreamMaker::width() const {
  if (mixture) return experts.front().layers.back().outputs();
  return mlp ? mlp->layers.back().outputs() : node.width();
}

NodeFinder::NodeFinder(Chains& chains, Expressions& expressions, const std::vector<Ref>& scores)
    : chains_(chains),
      expressions_(expressions),
      mixtures_(chains, expressions),
      attentions_(chains, expressions),
      scaled_dots_(chains, expressions),
      id_numbers_(chains, expressions),
      sums_(expressions, [this](Ref ref) { return is_there(ref) || is_shared(ref); }) {
  count_readers(scores);
}

void NodeFinder::count_readers(const std::vector<Ref>& scores) {
  std::set<uint32_t> waiting;
  for (const Ref score : scores) waiting.insert(score.expression);
  // What is read has a smaller number.
  while (!waiting.empty()) {
    const uint32_t reader = *waiting.rbegin();
    waiting.erase(reader);
    for_each_read(expressions_[reader], [&](Ref ref) {
      std::vector<Readers>& columns = readers_[ref.expression];
      if (columns.empty()) columns.resize(expressions_.of(ref).columns);
      Readers& readers = columns[ref.column];
      readers.several = readers.several || (readers.last != 0 && readers.last != reader);
      readers.last = reader;  // no reader has the number 0, which is an input's
      waiting.insert(ref.expression);
    });
  }
}

bool NodeFinder::is_shared(Ref ref) const {
  const auto found = readers_.find(ref.expression);
  return found != readers_.end() && found->second[ref.column].several;
}

bool NodeFinder::is_input(Ref ref) const {
  const ExpressionKind kind = expressions_.of(ref).kind;
  return kind == ExpressionKind::kInput || kind == ExpressionKind::kNumber || kind == ExpressionKind::kEmbedding ||
         kind == ExpressionKind::kPooled;
}

std::optional<StreamPlace> NodeFinder::place_of(Ref ref) const {
  const auto found = places_.find(ref);
  return found != places_.end() ? std::optional(found->second) : std::nullopt;
}

size_t NodeFinder::level_of(const Vector& vector) const {
  size_t level = 0;
  for (const Ref ref : vector) {
    const auto found = places_.find(ref);
    if (found != places_.end()) level = std::max(level, makers_[found->second.maker].level);
  }
  return level;
}

// ------------------------------------------------------------------------------------ what is read

/// Layers end at what is there, and at what others read too.
bool NodeFinder::ends(const Vector& vector) const {
  const auto there = [&](Ref ref) { return is_there(ref); };
  const auto shared = [&](Ref ref) { return is_shared(ref); };
  return std::all_of(vector.begin(), vector.end(), there) || std::any_of(vector.begin(), vector.end(), shared);
}

/// Makes what of the vector is not there, each piece by itself.
void NodeFinder::provide(const Vector& vector) {
  if (++depth_ > kMaxDescent) chains_.fail(vector.front(), "lies below more than 256 nodes");
  std::vector<uint32_t> order;
  std::map<uint32_t, std::set<Ref>> missing;  // by expression
  for (const Ref ref : vector) {
    if (is_there(ref)) continue;
    if (missing.count(ref.expression) == 0) order.push_back(ref.expression);
    missing[ref.expression].insert(ref);
  }
  std::vector<Vector> pieces;
  for (const uint32_t expression : order)
    pieces.emplace_back(missing.at(expression).begin(), missing.at(expression).end());
  make_alike(pieces);
  for (Vector& piece : pieces) {
    piece.erase(std::remove_if(piece.begin(), piece.end(), [&](Ref ref) { return is_there(ref); }), piece.end());
    if (!piece.empty()) make(std::move(piece));
  }
  --depth_;
}

/// Where activations and affine maps lead to.
Ref NodeFinder::source_ref(Ref ref) const {
  for (;;) {
    const Expression& expression = expressions_.of(ref);
    const bool steps = expression.kind == ExpressionKind::kAffine || expression.kind == ExpressionKind::kActivation;
    if (!steps || is_there(ref)) return ref;
    ref = expression.inputs[ref.column];
  }
}

/// An expression, and what is alike in it. All that one affine map scales of the model's inputs alike is of one source.
std::vector<double> NodeFinder::source_of(Ref ref) const {
  if (expressions_.of(ref).kind == ExpressionKind::kAffine) {
    const Scaled scaled = expressions_.scaled(ref);
    if (is_input(scaled.of)) return {-1, scaled.scale};
  }
  ref = source_ref(ref);
  std::vector<double> source = {static_cast<double>(ref.expression)};
  if (expressions_.of(ref).kind != ExpressionKind::kSum || is_there(ref)) return source;
  const std::vector<double> shape = shape_of_sum(expressions_, ref);
  source.insert(source.end(), shape.begin(), shape.end());
  return source;
}

std::vector<Vector> NodeFinder::by_source(const Vector& vector) const {
  std::map<std::vector<double>, size_t> numbers;
  std::vector<Vector> parts;
  for (const Ref ref : vector) {
    const auto [at, fresh] = numbers.emplace(source_of(ref), parts.size());
    if (fresh) parts.emplace_back();
    parts[at->second].push_back(ref);
  }
  return parts;
}

/// Columns of one expression. Of a layer all are made, as others may read the rest.
void NodeFinder::make(Vector vector) {
  const ExpressionKind kind = expressions_.of(vector.front()).kind;
  const bool whole = kind == ExpressionKind::kLayerNorm || kind == ExpressionKind::kSoftmax;
  if (whole) return make_of_one_source(expressions_.all(vector.front().expression));
  if (make_of_id(vector) || make_of_number(vector)) return;
  const std::vector<Vector> parts = by_source(vector);
  if (parts.size() > 1) {
    for (const Vector& part : parts) make_of_one_source(part);
    return;
  }
  if (kind != ExpressionKind::kSum && kind != ExpressionKind::kFunction) {
    const Vector all = expressions_.all(vector.front().expression);
    const auto there = [&](Ref ref) { return is_there(ref); };
    if (by_source(all).size() == 1 && std::none_of(all.begin(), all.end(), there)) vector = all;
  }
  make_of_one_source(vector);
}

void NodeFinder::make_of_one_source(const Vector& vector) {
  const Expression& expression = expressions_.of(vector.front());
  if (expression.kind == ExpressionKind::kSum) {
    for (const Term& term : expression.terms[vector.front().column]) {
      if (!term.product && !is_there(term.a) && scaled_dots_.may_be(term.a)) make_scaled_dot({term.a});
    }
    if (make_scaled_dot(vector)) return;
    if (!make_attention(vector) && !make_gate(vector) && !make_sum(vector, vector, Activation())) {
      chains_.fail(vector.front(), "is a sum of products that is no operation of a node (ONNX.md lists them)");
    }
    return;
  }
  if (make_mask(vector) || make_of_count(vector) || make_mlp(vector)) return;
  switch (expression.kind) {
    case ExpressionKind::kSoftmax: return make_softmax(vector);
    case ExpressionKind::kActivation: return make_activated(vector);
    case ExpressionKind::kAffine: return make_affine(vector);
    case ExpressionKind::kLayerNorm: return make_bare(vector);
    default: break;
  }
  if (!make_as(vector, id_numbers_.chosen(vector))) chains_.fail_between(vector);
}

/// As what computes the same.
bool NodeFinder::make_as(const Vector& vector, const std::optional<Vector>& same) {
  if (!same) return false;
  provide(*same);
  for (size_t i = 0; i < vector.size(); ++i) places_[vector[i]] = places_.at((*same)[i]);
  return true;
}

void NodeFinder::make_copy(const Vector& vector, const Vector& of) {
  Operation copy;
  copy.inputs = {of};
  copy.input_width = of.size();
  make_operation(vector, std::move(copy), Activation());
}

/// What depends on one id is looked up by it.
bool NodeFinder::make_of_id(const Vector& vector) {
  const std::optional<Vector> made = id_numbers_.function_of_id(vector);
  if (!made) return false;
  if (!is_input(made->front())) return make_as(vector, made);
  make_copy(vector, *made);
  return true;
}

/// What is a function of a number of the model's inputs, and no layer, a feature makes of it.
bool NodeFinder::make_of_number(const Vector& vector) {
  std::vector<FunctionOfNumber> functions;
  for (const Ref ref : vector) {
    const std::optional<FunctionOfNumber> function = function_of_number(expressions_, ref);
    if (!function) return false;
    functions.push_back(*function);
  }
  Expression number;
  number.kind = ExpressionKind::kNumber;
  number.node = expressions_.of(vector.front()).node;
  number.columns = vector.size();
  Expression affine;
  affine.kind = ExpressionKind::kAffine;
  affine.columns = vector.size();
  affine.norm = {{}, {}, std::vector<float>(vector.size(), 0.0f), std::vector<float>(vector.size(), 1.0f), 0};
  for (const FunctionOfNumber& function : functions) {
    number.inputs.push_back(function.input);
    number.scalings.push_back(function.scaling);
    affine.norm.gamma.push_back(static_cast<float>(function.scale));
    affine.norm.beta.push_back(static_cast<float>(function.shift));
  }
  affine.node = number.node;
  expressions_.charge(2 * vector.size());
  affine.inputs = expressions_.all(expressions_.add(std::move(number)));
  const auto is_plain = [](const FunctionOfNumber& function) { return function.scale == 1 && function.shift == 0; };
  if (std::all_of(functions.begin(), functions.end(), is_plain)) {
    make_copy(vector, affine.inputs);
    return true;
  }
  return make_as(vector, expressions_.all(expressions_.add(std::move(affine))));
}

/// What depends on how many ids are padding.
bool NodeFinder::make_of_count(const Vector& vector) { return make_as(vector, id_numbers_.function_of_count(vector)); }

/// Comparisons of ids with the padding are numbers that x has beside the sequence; others it has as rows of a table.
bool NodeFinder::make_mask(const Vector& vector) {
  Vector numbers;
  std::vector<double> scales, shifts;
  for (const Ref ref : vector) {
    const Scaled scaled = expressions_.scaled(ref);
    const Expression& equal = expressions_.of(scaled.of);
    if (equal.kind != ExpressionKind::kIdEquals) return false;
    const IdMask mask{equal.inputs[scaled.of.column], equal.shifts[scaled.of.column]};
    const std::optional<Ref> number = scaled_dots_.number_of(mask, ref);
    numbers.push_back(number ? *number : id_numbers_.equals(mask.id, mask.padding, ref));
    scales.push_back(number ? -scaled.scale : scaled.scale);  // (id == padding) is 1 - number
    shifts.push_back(scaled.shift + (number ? scaled.scale : 0));
  }
  const auto all = [](const std::vector<double>& values, double wanted) {
    return std::all_of(values.begin(), values.end(), [wanted](double value) { return value == wanted; });
  };
  if (all(scales, 1) && all(shifts, 0)) {
    make_copy(vector, numbers);
    return true;
  }
  Expression affine;
  affine.kind = ExpressionKind::kAffine;
  affine.node = expressions_.of(vector.front()).node;
  affine.columns = numbers.size();
  affine.inputs = numbers;
  affine.norm = {std::vector<float>(scales.begin(), scales.end()), std::vector<float>(shifts.begin(), shifts.end()),
                 std::vector<float>(numbers.size(), 0.0f), std::vector<float>(numbers.size(), 1.0f), 0};
  expressions_.charge(affine.columns);
  const Vector made = expressions_.all(expressions_.add(std::move(affine)));
  make_affine(made);
  for (size_t i = 0; i < vector.size(); ++i) places_[vector[i]] = places_.at(made[i]);
  return true;
}

// ------------------------------------------------------------------------------------ layers

void NodeFinder::read_base(Chain& chain) {
  std::vector<LinearForm> forms;
  for (const Ref ref : chain.base) {
    const Scaled scaled = is_there(ref) ? Scaled{1, 0, ref} : expressions_.scaled(ref);
    const Expression& source = expressions_.of(scaled.of);
    LinearForm form;
    form.constant = scaled.shift;
    if (source.kind == ExpressionKind::kConstant) {
      form.constant += scaled.scale * double{source.bias[scaled.of.column]};
    } else {
      form.weights[scaled.of] = scaled.scale;
    }
    forms.push_back(std::move(form));
  }
  const Vector before = chain.base;
  chain.layers.front() = compose(chain.layers.front(), forms, chain.base);
  if (chain.base.empty()) chains_.fail(before.front(), "depends on no input of the model");
  provide(chain.base);
}

bool NodeFinder::make_mlp(const Vector& vector) {
  StreamMaker maker;
  maker.mlp = chains_.follow_layers(vector, [this](const Vector& v) { return ends(v); });
  if (maker.mlp->layers.empty()) return false;
  read_base(*maker.mlp);
  add(std::move(maker), vector);
  return true;
}

void NodeFinder::make_bare(const Vector& vector) {
  StreamMaker maker;
  maker.mlp = chains_.bare_step(vector);
  read_base(*maker.mlp);
  add(std::move(maker), vector);
}

Chain NodeFinder::find_tower(const Vector& logits) {
  Chain chain = chains_.follow_layers(logits, [this](const Vector& v) { return ends(v); });
  if (chain.layers.empty()) {
    chain.layers.push_back(hand_on(logits.size(), chains_.place_of(logits.front())));
    chain.after.push_back(logits);
    provide(chain.base);
  } else {
    read_base(chain);
  }
  return chain;
}

/// Pieces that the same layers make of different vectors, as of the elements of a sequence, become one node.
void NodeFinder::make_alike(const std::vector<Vector>& pieces) {
  using Key = std::vector<size_t>;
  std::map<Key, std::vector<Vector>> alike;
  std::vector<Key> order;
  for (const Vector& piece : pieces) {
    const Expression& expression = expressions_.of(piece.front());
    if (expression.kind == ExpressionKind::kSum || expression.kind == ExpressionKind::kSoftmax) continue;
    const bool norm = expression.kind == ExpressionKind::kLayerNorm;
    for (Vector& part : norm ? std::vector<Vector>{expressions_.all(piece.front().expression)} : by_source(piece)) {
      const Expression& source = expressions_.of(source_ref(part.front()));
      if (!norm && source.kind != ExpressionKind::kDense && source.kind != ExpressionKind::kLayerNorm) continue;
      const Key key = {expression.node, source.node, part.size(), static_cast<size_t>(expression.kind)};
      std::vector<Vector>& parts = alike[key];
      if (parts.empty()) order.push_back(key);
      parts.push_back(std::move(part));
    }
  }
  for (const Key& key : order) {
    if (alike.at(key).size() > 1) make_each(alike.at(key));
  }
}

/// Where all parts are of the same layers.
void NodeFinder::make_each(const std::vector<Vector>& parts) {
  const auto is_constant = [&](Ref ref) {
    return !is_there(ref) && expressions_.of(expressions_.scaled(ref).of).kind == ExpressionKind::kConstant;
  };
  StreamMaker maker;
  Vector reads, results;
  for (const Vector& part : parts) {
    if (std::any_of(part.begin(), part.end(), [&](Ref ref) { return is_there(ref); })) return;
    Chain chain = chains_.follow_layers(part, [this](const Vector& v) { return ends(v); });
    if (chain.layers.empty()) {
      if (part.size() > kMaxBareExpert) return;
      chain = chains_.bare_step(part);
    }
    if (reads.empty()) maker.node.layers = chain.layers, maker.node.group = chain.base.size();
    const bool constant = std::any_of(chain.base.begin(), chain.base.end(), is_constant);
    if (constant || chain.base.size() != maker.node.group || !same_layers(chain.layers, maker.node.layers)) return;
    reads.insert(reads.end(), chain.base.begin(), chain.base.end());
    results.insert(results.end(), part.begin(), part.end());
  }
  if (maker.node.group == 0) return;
  provide(reads);
  maker.node.kind = NodeKind::kEach;
  maker.node.input_width = reads.size();
  maker.operands = {std::move(reads)};
  add(std::move(maker), results);
}

// ------------------------------------------------------------------------------------ mixtures

/// Whether one of the sum's products has a column of a softmax, or an activation's result. Looks at `most` sums.
bool NodeFinder::may_be_weighed(Ref ref, size_t& most) const {
  const Ref of = expressions_.scaled(ref).of;
  const Expression& expression = expressions_.of(of);
  if (expression.kind != ExpressionKind::kSum || most == 0) return false;
  --most;
  const auto is_weight = [&](Ref factor) {
    const ExpressionKind kind = expressions_.of(expressions_.scaled(factor).of).kind;
    return kind == ExpressionKind::kSoftmax || kind == ExpressionKind::kActivation;
  };
  const std::vector<Term>& terms = expression.terms[of.column];
  return std::any_of(terms.begin(), terms.end(), [&](const Term& term) {
    if (term.product) return is_weight(term.a) || is_weight(term.b);
    return !is_there(term.a) && may_be_weighed(term.a, most);
  });
}

/// Products of numbers, which are an expression each, as the columns of one.
Vector NodeFinder::as_one(const Vector& vector) {
  const auto [known, fresh] = joined_.emplace(vector, vector);
  if (!fresh) return known->second;
  const auto single = [&](Ref ref) {
    const Expression& sum = expressions_.of(ref);
    return sum.kind == ExpressionKind::kSum && sum.columns == 1 && !is_there(ref) &&
           shape_of_sum(expressions_, ref) == shape_of_sum(expressions_, vector.front());
  };
  if (vector.size() < 2 || !std::all_of(vector.begin(), vector.end(), single)) return vector;
  Expression sum;
  sum.kind = ExpressionKind::kSum;
  sum.node = expressions_.of(vector.front()).node;
  sum.columns = vector.size();
  for (const Ref ref : vector) sum.terms.push_back(expressions_.of(ref).terms.front());
  expressions_.charge(sum.columns);
  return known->second = expressions_.all(expressions_.add(std::move(sum)));
}

/// Of a softmax's columns, or of activations that weigh several whole vectors each.
bool NodeFinder::is_gate(const Mixture& mixture) const {
  if (mixture.logits.empty()) return false;
  if (mixture.function == GateFunction::kSoftmax) return true;
  const auto is_constant = [&](Ref ref) { return expressions_.of(ref).kind == ExpressionKind::kConstant; };
  return mixture.experts.size() > 1 && mixture.experts.front().size() > 1 &&
         std::none_of(mixture.experts.begin(), mixture.experts.end(),
                      [&](const Vector& expert) { return std::any_of(expert.begin(), expert.end(), is_constant); });
}

/// Experts of layers, weighted by layers. Whatever else is weighed is multiplied by its weights.
std::optional<StreamMaker> NodeFinder::gate_of(const Vector& vector) {
  StreamMaker maker;
  try {
    maker.mixture = mixtures_.find(vector);
  } catch (const ConvertError&) {
    return std::nullopt;  // no mixture of the usual kind; it may be sums of products
  }
  Mixture& mixture = *maker.mixture;
  if (!is_gate(mixture)) return std::nullopt;
  const auto layers_of = [&](const Vector& v) {
    return chains_.follow_layers(v, [this](const Vector& at) { return ends(at); });
  };
  maker.gate = layers_of(mixture.logits);
  if (maker.gate.layers.empty()) {
    const auto is_softmax = [&](Ref ref) { return expressions_.of(ref).kind == ExpressionKind::kSoftmax; };
    if (!std::all_of(mixture.logits.begin(), mixture.logits.end(), is_softmax)) return std::nullopt;
    maker.gate.layers.push_back(hand_on(mixture.logits.size(), chains_.place_of(mixture.logits.front())));
  }
  for (Vector& expert : mixture.experts) {
    expert = as_one(expert);
    maker.experts.push_back(layers_of(expert));
    Chain& chain = maker.experts.back();
    if (!chain.layers.empty()) continue;
    // An operation's result is handed on. What is there needs no gate.
    const bool there = std::any_of(expert.begin(), expert.end(), [&](Ref ref) { return is_there(ref); });
    if (there || expert.size() > kMaxBareExpert) return std::nullopt;
    chain.layers.push_back(hand_on(expert.size(), chains_.place_of(expert.front())));
  }
  return maker;
}

bool NodeFinder::make_attention(const Vector& vector) {
  std::optional<FoundAttention> found = attentions_.find(vector, [this](const Vector& v) { return ends(v); });
  if (!found) return false;
  provide(found->query);
  StreamMaker maker;
  maker.node.kind = NodeKind::kAttention;
  maker.node.input_width = found->query.size();
  maker.node.layers = std::move(found->layers);
  maker.node.attention = std::move(found->attention);
  maker.operands = {found->query};
  maker.operands.insert(maker.operands.end(), found->sequences.begin(), found->sequences.end());
  add(std::move(maker), vector);
  return true;
}

/// All columns of the expression that something reads and that are not there.
Vector NodeFinder::read_columns(Ref ref) const {
  const auto found = readers_.find(ref.expression);
  Vector columns;
  for (const Ref column : expressions_.all(ref.expression)) {
    const bool read = found != readers_.end() && found->second[column.column].last != 0;
    if ((read || column == ref) && !is_there(column)) columns.push_back(column);
  }
  return columns;
}

/// Of all queries of the expression, since they share their keys. Those that attend to other keys than the first one
/// are left for another node.
bool NodeFinder::make_scaled_dot(const Vector& vector) {
  if (!scaled_dots_.may_be(vector.front())) return false;
  const bool one =
      std::all_of(vector.begin(), vector.end(), [&](Ref ref) { return ref.expression == vector.front().expression; });
  std::optional<FoundScaledDot> found = one ? scaled_dots_.find(read_columns(vector.front())) : std::nullopt;
  if (!found) found = scaled_dots_.find(vector);
  if (!found || found->without_keys) return false;
  StreamMaker maker;
  maker.node.kind = NodeKind::kScaledDot;
  maker.node.group = found->group;
  maker.node.heads = found->heads;
  maker.node.causal = found->causal;
  maker.node.value_width = found->value_width;
  maker.node.query_width = found->query.size();
  maker.node.scale = static_cast<float>(found->scale);
  maker.operands = {found->query, found->keys, found->values};
  if (!found->mask.empty()) maker.operands.push_back(found->mask);
  Vector all;
  for (const Vector& operand : maker.operands) {
    maker.node.input_width = std::max(maker.node.input_width, operand.size());
    all.insert(all.end(), operand.begin(), operand.end());
  }
  provide(all);
  add(std::move(maker), found->results);
  provide(vector);
  return true;
}

bool NodeFinder::make_gate(const Vector& vector) {
  size_t most = kMaxExpertsPerLevel;
  if (!may_be_weighed(vector.front(), most)) return false;
  std::optional<StreamMaker> maker = gate_of(vector);
  if (!maker) return false;
  read_base(maker->gate);
  for (Chain& expert : maker->experts) read_base(expert);
  add(std::move(*maker), vector);
  return true;
}

// ------------------------------------------------------------------------------------ operations

void NodeFinder::make_operation(const Vector& vector, Operation operation, const Activation& activation) {
  StreamMaker maker;
  maker.node.kind = operation.kind;
  maker.node.input_width = operation.input_width;
  maker.node.group = operation.group;
  maker.node.scale = static_cast<float>(operation.scale);
  maker.node.constant = std::move(operation.constant);
  maker.node.activation = activation;
  Vector all;
  for (const Vector& operand : operation.inputs) all.insert(all.end(), operand.begin(), operand.end());
  provide(all);
  maker.operands = std::move(operation.inputs);
  add(std::move(maker), vector);
}

bool NodeFinder::make_sum(const Vector& vector, const Vector& sums, const Activation& activation) {
  std::optional<Operation> operation = sums_.find(sums);
  if (operation) make_operation(vector, std::move(*operation), activation);
  return operation.has_value();
}

void NodeFinder::make_softmax(const Vector& vector) {
  const Expression& softmax = expressions_.of(vector.front());
  if (softmax.top_k != 0) chains_.fail(vector.front(), "selects the largest weights, but is no gate of experts");
  if (vector.size() > kMaxExpertsPerLevel) chains_.fail(vector.front(), "is a softmax over more than 256 numbers");
  Operation operation;
  operation.kind = NodeKind::kSoftmax;
  operation.inputs = {softmax.inputs};
  operation.input_width = vector.size();
  make_operation(vector, std::move(operation), Activation());
}

/// Sums that nothing else reads, and of which a node is to be made.
bool NodeFinder::are_own_sums(const Vector& vector) {
  const auto own = [&](Ref ref) {
    return !is_there(ref) && !is_shared(ref) && expressions_.of(ref).kind == ExpressionKind::kSum;
  };
  return std::all_of(vector.begin(), vector.end(), own) && by_source(vector).size() == 1 && !make_gate(vector);
}

/// Of an operation, or of what is there.
void NodeFinder::make_activated(const Vector& vector) {
  const Expression& expression = expressions_.of(vector.front());
  if (has_slopes(expression.activation)) return make_bare(vector);
  Vector inner;
  for (const Ref ref : vector) inner.push_back(expression.inputs[ref.column]);
  if (are_own_sums(inner) && make_sum(vector, inner, expression.activation)) return;
  Operation copy;
  copy.inputs = {inner};
  copy.input_width = inner.size();
  make_operation(vector, std::move(copy), expression.activation);
}

/// One scale for all is a product's; shifts are a sum's.
void NodeFinder::make_affine(const Vector& vector) {
  Vector inner;
  std::vector<float> shifts;
  bool shifted = false, alike = true;
  double scale = expressions_.scaled(vector.front()).scale;
  for (const Ref ref : vector) {
    const Scaled scaled = expressions_.scaled(ref);
    inner.push_back(scaled.of);
    shifts.push_back(static_cast<float>(scaled.shift));
    shifted = shifted || scaled.shift != 0;
    alike = alike && scaled.scale == scale;
  }
  if (alike && shifted && scale != 1) {  // two operations
    Expression scaled;
    scaled.kind = ExpressionKind::kAffine;
    scaled.node = expressions_.of(vector.front()).node;
    scaled.columns = inner.size();
    scaled.inputs = inner;
    scaled.norm = {std::vector<float>(inner.size(), static_cast<float>(scale)), std::vector<float>(inner.size(), 0.0f),
                   std::vector<float>(inner.size(), 0.0f), std::vector<float>(inner.size(), 1.0f), 0};
    expressions_.charge(scaled.columns);
    inner = expressions_.all(expressions_.add(std::move(scaled)));
    scale = 1;
  }
  if (!alike) {
    if (vector.size() > kMaxExpertsPerLevel * 4)
      chains_.fail(vector.front(), "scales more than 1024 numbers, no layer's");
    StreamMaker maker;  // a layer, of as many columns as there are different ones
    maker.mlp.emplace();
    maker.mlp->layers.push_back(hand_on(vector.size(), chains_.place_of(vector.front())));
    maker.mlp->base = vector;
    read_base(*maker.mlp);
    return add(std::move(maker), vector);
  }
  if (!shifted && are_own_sums(inner)) {
    std::optional<Operation> scaled = sums_.find(inner);
    if (scaled && scaled->kind != NodeKind::kSum) {
      scaled->scale *= scale;
      return make_operation(vector, std::move(*scaled), Activation());
    }
  }
  Operation operation;
  operation.kind = shifted ? NodeKind::kSum : NodeKind::kProduct;
  operation.inputs = {inner};
  operation.input_width = inner.size();
  operation.scale = scale;
  if (shifted) operation.constant = shifts;
  make_operation(vector, std::move(operation), Activation());
}

void NodeFinder::add(StreamMaker maker, const Vector& vector) {
  size_t below = 0;
  for (const Vector& operand : maker.operands) below = std::max(below, level_of(operand));
  if (maker.mlp) below = std::max(below, level_of(maker.mlp->base));
  if (maker.mixture) {
    below = std::max(below, level_of(maker.gate.base));
    for (const Chain& expert : maker.experts) below = std::max(below, level_of(expert.base));
  }
  maker.level = below + (maker.mixture ? 1 : 0);
  if (maker.level > kMaxLevels) chains_.fail(vector.front(), "lies above more than 16 levels");
  if (!maker.mixture && ++num_nodes_ > kMaxNodes) chains_.fail(vector.front(), "takes more than 256 nodes");
  const size_t times = vector.size() / maker.width();
  for (size_t i = 0; i < vector.size(); ++i) places_[vector[i]] = {makers_.size(), i / times};
  makers_.push_back(std::move(maker));
}

}  // namespace mmoe::converter
