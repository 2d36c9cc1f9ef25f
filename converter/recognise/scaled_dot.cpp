#include "converter/recognise/scaled_dot.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "converter/model/limits.h"

namespace mmoe::converter {
namespace {

// exp() of it is 0 beside that of any score of a trained attention.
constexpr double kLeftOutBelow = -1e4;
constexpr size_t kMostPairs = size_t{1} << 20;  // of queries and keys
constexpr size_t kMostSteps = 16;               // masks and scales of one logit

bool is_weight(const Expressions& expressions, Ref ref) {
  const Expression& expression = expressions.of(ref);
  return expression.kind == ExpressionKind::kSoftmax && expression.top_k == 0;
}

/// (id == number) or (id != number), where the scalar is one of them; `equal`: which.
std::optional<IdMask> comparison_of(const Expressions& expressions, Ref ref, bool& equal) {
  if (const auto mask = mask_of(expressions, ref)) {
    equal = false;
    return mask;
  }
  const Scaled scaled = expressions.scaled(ref);
  const Expression& of = expressions.of(scaled.of);
  if (of.kind != ExpressionKind::kIdEquals || scaled.scale != 1 || scaled.shift != 0) return std::nullopt;
  equal = true;
  return IdMask{of.inputs[scaled.of.column], of.shifts[scaled.of.column]};
}

std::optional<double> constant_of(const Expressions& expressions, Ref ref) {
  const Scaled scaled = expressions.scaled(ref);
  const Expression& of = expressions.of(scaled.of);
  if (of.kind != ExpressionKind::kConstant) return std::nullopt;
  return scaled.scale * double{of.bias[scaled.of.column]} + scaled.shift;
}

}  // namespace

// ------------------------------------------------------------------------------------ logits

/// `value`: what stands in the place of a score, or is added to it, where the id is the padding.
bool ScaledDotFinder::take_mask(Logit& logit, const IdMask& mask, double value) const {
  if (!(value <= kLeftOutBelow)) return false;
  if (logit.mask && (logit.mask->id != mask.id || logit.mask->padding != mask.padding)) return false;
  logit.mask_is_infinite = std::isinf(value) && (!logit.mask || logit.mask_is_infinite);
  logit.mask = mask;
  return true;
}

/// A choice by an id between a score and what leaves it out.
bool ScaledDotFinder::take_select(Ref select, Logit& logit, Ref& rest) const {
  const Expression& expression = expressions_.of(select);
  const auto argument = [&](size_t which) { return expression.inputs[which * expression.columns + select.column]; };
  bool equal = false;
  const auto mask = comparison_of(expressions_, argument(0), equal);
  if (!mask) return false;
  const std::optional<double> value = constant_of(expressions_, argument(equal ? 1 : 2));
  rest = argument(equal ? 2 : 1);
  return value && take_mask(logit, *mask, *value * logit.scale);
}

/// Of a sum of two: what leaves the other one, a score, out.
bool ScaledDotFinder::take_added(const std::vector<Term>& terms, Logit& logit, Ref& rest) const {
  if (terms.size() != 2 || terms[0].product || terms[1].product) return false;
  for (const size_t i : {size_t{0}, size_t{1}}) {
    const Ref added = terms[i].a;
    const Term& other = terms[1 - i];
    if (other.coefficient != 1) continue;
    rest = other.a;
    const double factor = logit.scale * double{terms[i].coefficient};
    if (const auto constant = constant_of(expressions_, added)) {
      logit.left_out = logit.left_out || *constant * factor <= kLeftOutBelow;
      return *constant == 0 || *constant * factor <= kLeftOutBelow;
    }
    const Scaled scaled = expressions_.scaled(added);
    const Expression& of = expressions_.of(scaled.of);
    if (of.kind == ExpressionKind::kIdEquals && scaled.shift == 0) {
      const IdMask mask{of.inputs[scaled.of.column], of.shifts[scaled.of.column]};
      if (take_mask(logit, mask, scaled.scale * factor)) return true;
    }
    const bool select = of.kind == ExpressionKind::kFunction && of.function == FunctionKind::kSelect;
    if (!select || scaled.shift != 0 || !(scaled.scale > 0)) continue;
    Logit alone;
    alone.mask = logit.mask, alone.mask_is_infinite = logit.mask_is_infinite;
    Ref zero;
    const bool masks = take_select(scaled.of, alone, zero) && constant_of(expressions_, zero) == 0.0 && factor > 0;
    if (!masks) continue;
    logit.mask = alone.mask, logit.mask_is_infinite = alone.mask_is_infinite;
    return true;
  }
  return false;
}

std::optional<ScaledDotFinder::Logit> ScaledDotFinder::logit_of(Ref ref) const {
  Logit logit;
  for (size_t step = 0; step < kMostSteps; ++step) {
    if (const auto constant = constant_of(expressions_, ref)) {
      logit.left_out = true;
      return *constant * logit.scale <= kLeftOutBelow ? std::optional(logit) : std::nullopt;
    }
    const Scaled scaled = expressions_.scaled(ref);
    const bool shifted_out = scaled.shift * logit.scale <= kLeftOutBelow;
    if (scaled.shift != 0 && !shifted_out) return std::nullopt;
    logit.left_out = logit.left_out || shifted_out;
    logit.scale *= scaled.scale;
    ref = scaled.of;
    const Expression& expression = expressions_.of(ref);
    if (expression.kind == ExpressionKind::kFunction && expression.function == FunctionKind::kSelect) {
      if (!(logit.scale > 0) || !take_select(ref, logit, ref)) return std::nullopt;
      continue;
    }
    if (expression.kind != ExpressionKind::kSum) return std::nullopt;
    const std::vector<Term>& terms = expression.terms[ref.column];
    const auto is_product = [&](const Term& term) {
      return term.product && term.coefficient == terms.front().coefficient;
    };
    if (!terms.empty() && std::all_of(terms.begin(), terms.end(), is_product)) {
      logit.scale *= double{terms.front().coefficient};
      for (const Term& term : terms) logit.a.push_back(term.a), logit.b.push_back(term.b);
      return logit;
    }
    if (!take_added(terms, logit, ref)) return std::nullopt;
  }
  return std::nullopt;
}

// ------------------------------------------------------------------------------------ softmaxes

bool ScaledDotFinder::read_logits(uint32_t softmax, Row& row) const {
  const Expression& expression = expressions_[softmax];
  row.zero_without_keys = expression.zero_without_numbers;
  for (const Ref ref : expression.inputs) {
    std::optional<Logit> logit = logit_of(ref);
    if (!logit) return false;
    row.logits.push_back(std::move(*logit));
  }
  return true;
}

bool ScaledDotFinder::may_be(Ref ref) const {
  const Expression& sum = expressions_.of(ref);
  if (sum.kind != ExpressionKind::kSum || sum.terms[ref.column].empty()) return false;
  const Term& first = sum.terms[ref.column].front();
  if (!first.product) return false;
  const Ref weight = is_weight(expressions_, first.a) ? first.a : first.b;
  if (!is_weight(expressions_, weight)) return false;
  const auto is_score = [&](Ref logit) {
    const ExpressionKind kind = expressions_.of(expressions_.scaled(logit).of).kind;
    return kind == ExpressionKind::kSum || kind == ExpressionKind::kFunction;
  };
  const Vector& logits = expressions_.of(weight).inputs;
  return std::any_of(logits.begin(), logits.end(), is_score);
}

/// A sum of numbers that all columns of one softmax weigh.
bool ScaledDotFinder::add_result(Ref sum, std::map<uint32_t, size_t>& known, std::vector<Row>& rows) const {
  const std::vector<Term>& terms = expressions_.of(sum).terms[sum.column];
  if (terms.size() < 2 || terms.size() > kMaxExpertsPerLevel || !terms.front().product) return false;
  const bool first = is_weight(expressions_, terms.front().a);
  const uint32_t softmax = (first ? terms.front().a : terms.front().b).expression;
  if (!is_weight(expressions_, {softmax, 0}) || expressions_[softmax].columns != terms.size()) return false;
  std::vector<std::optional<Ref>> values(terms.size());
  for (const Term& term : terms) {
    const bool own = term.product && term.coefficient == 1;
    const Ref weight = own && term.a.expression == softmax ? term.a : term.b;
    if (!own || weight.expression != softmax || values[weight.column]) return false;
    values[weight.column] = weight == term.a ? term.b : term.a;
  }
  const auto [at, fresh] = known.emplace(softmax, rows.size());
  if (fresh) {
    rows.emplace_back();
    rows.back().values.resize(terms.size());
    if (rows.size() * terms.size() > kMostPairs || !read_logits(softmax, rows.back())) return false;
  }
  Row& row = rows[at->second];
  row.results.push_back(sum);
  for (size_t key = 0; key < values.size(); ++key) row.values[key].push_back(*values[key]);
  return true;
}

/// What all keys are multiplied by; nothing where that is not the same.
std::optional<Vector> ScaledDotFinder::query_of(const Row& row, bool swapped) const {
  const Vector* query = nullptr;
  for (const Logit& logit : row.logits) {
    if (logit.left_out) continue;
    const Vector& own = swapped ? logit.b : logit.a;
    if (query != nullptr && own != *query) return std::nullopt;
    query = &own;
  }
  return query != nullptr ? std::optional(*query) : std::nullopt;
}

/// To the head with the same keys and values, of which some may not be known yet.
bool ScaledDotFinder::add_to_head(const std::vector<Row>& rows, size_t row, bool swapped,
                                  std::vector<Head>& heads) const {
  const Row& own = rows[row];
  const auto key_of = [&](size_t key) { return swapped ? own.logits[key].a : own.logits[key].b; };
  const auto fits = [&](const Head& head) {
    if (head.values != own.values) return false;
    for (size_t key = 0; key < head.keys.size(); ++key) {
      if (!own.logits[key].left_out && !head.keys[key].empty() && head.keys[key] != key_of(key)) return false;
    }
    return true;
  };
  auto head = std::find_if(heads.begin(), heads.end(), fits);
  if (head == heads.end()) {
    if (heads.size() == kMaxExpertsPerLevel) return false;
    head = heads.insert(head, Head{std::vector<Vector>(own.values.size()), own.values, {}});
  }
  for (size_t key = 0; key < own.logits.size(); ++key) {
    if (!own.logits[key].left_out) head->keys[key] = key_of(key);
  }
  head->rows.push_back(row);
  return true;
}

/// Alike in all that a node has once.
std::optional<std::vector<ScaledDotFinder::Head>> ScaledDotFinder::heads_of(const std::vector<Row>& rows,
                                                                            bool swapped) const {
  std::vector<Head> heads;
  std::optional<double> scale;
  size_t width = 0;
  for (size_t row = 0; row < rows.size(); ++row) {
    const std::optional<Vector> query = query_of(rows[row], swapped);
    if (!query || rows[row].values.size() != rows.front().values.size()) return std::nullopt;
    if (width == 0) width = query->size();
    if (query->size() != width || rows[row].results.size() != rows.front().results.size()) return std::nullopt;
    for (const Logit& logit : rows[row].logits) {
      if (logit.left_out) continue;
      if (!scale) scale = logit.scale;
      if (logit.scale != *scale) return std::nullopt;
    }
    if (!add_to_head(rows, row, swapped, heads)) return std::nullopt;
  }
  const size_t queries = heads.front().rows.size();
  const auto same = [&](const Head& head) { return head.rows.size() == queries; };
  return std::all_of(heads.begin(), heads.end(), same) ? std::optional(std::move(heads)) : std::nullopt;
}

/// The keys that the queries attend to: all, or up to its own for each; else those of the first query, and the queries
/// that have the same.
bool ScaledDotFinder::take_keys(const std::vector<Row>& rows, std::vector<Head>& heads, FoundScaledDot& found,
                                std::vector<size_t>& keys) const {
  const size_t num_keys = rows.front().values.size(), queries = heads.front().rows.size();
  const auto attends = [&](size_t head, size_t query, size_t key) {
    return !rows[heads[head].rows[query]].logits[key].left_out;
  };
  bool causal = queries > 1 && queries <= num_keys;
  std::vector<size_t> alike;  // queries
  for (size_t query = 0; query < queries; ++query) {
    bool as_first = true;
    for (size_t head = 0; head < heads.size(); ++head) {
      for (size_t key = 0; key < num_keys; ++key) {
        if (attends(head, query, key) != attends(0, query, key)) return false;
        causal = causal && attends(head, query, key) == (key <= query);
        as_first = as_first && attends(head, query, key) == attends(0, 0, key);
      }
    }
    if (as_first) alike.push_back(query);
  }
  found.causal = causal;
  for (size_t key = 0; key < num_keys; ++key) {
    if (causal ? key < queries : attends(0, 0, key)) keys.push_back(key);
  }
  if (causal) return true;
  for (Head& head : heads) {
    std::vector<size_t> own;
    for (const size_t query : alike) own.push_back(head.rows[query]);
    head.rows = std::move(own);
  }
  return true;
}

// ------------------------------------------------------------------------------------ masks

/// Without any key the file gives zeros, and a graph whose scores are left out by a finite number the mean of all.
bool ScaledDotFinder::lacks_keys(const std::vector<Row>& rows, const std::vector<size_t>& keys) {
  return std::any_of(rows.begin(), rows.end(), [&](const Row& row) {
    bool always = row.zero_without_keys, infinite = true;
    for (const size_t key : keys) {
      const Logit& logit = row.logits[key];
      always = always || (!logit.left_out && !logit.mask);
      infinite = infinite && (!logit.mask || logit.mask_is_infinite);
    }
    return !always && !infinite;
  });
}

/// The masked keys come first; `ordered`: they must be there.
Vector ScaledDotFinder::mask_of_keys(const std::vector<Row>& rows, std::vector<size_t>& keys, bool ordered, Ref at) {
  std::map<size_t, IdMask> masks;
  for (const Row& row : rows) {
    for (const size_t key : keys) {
      if (row.logits[key].left_out || !row.logits[key].mask) continue;
      const IdMask& mask = *row.logits[key].mask;
      const IdMask& known = masks.emplace(key, mask).first->second;
      if (known.id != mask.id || known.padding != mask.padding)
        chains_.fail(at, "leaves an element out by the ids of another for some queries");
    }
  }
  for (const Row& row : rows) {
    for (const auto& [key, mask] : masks) {
      if (!row.logits[key].left_out && !row.logits[key].mask)
        chains_.fail(at, "leaves an element out for some queries and not for others");
    }
  }
  if (masks.empty()) return {};
  const auto is_masked = [&](size_t key) { return masks.count(key) != 0; };
  if (!ordered) std::stable_partition(keys.begin(), keys.end(), is_masked);
  Vector mask;
  for (size_t i = 0; i < masks.size(); ++i) {
    if (!is_masked(keys[i])) chains_.fail(at, "leaves later elements out by ids, and earlier ones never");
    const std::optional<Ref> number = number_of(masks.at(keys[i]), at);
    if (!number) chains_.fail(at, "compares ids that are no sequence whose embeddings are read");
    mask.push_back(*number);
  }
  return mask;
}

std::optional<Ref> ScaledDotFinder::number_of(const IdMask& mask, Ref at) {
  const std::optional<uint32_t> kept = keep(mask, at);
  if (!kept) return std::nullopt;
  const size_t length = expressions_.of(mask.id).columns;
  return Ref{*kept, static_cast<uint32_t>(expressions_[*kept].columns - length + mask.id.column)};
}

/// The sequence as x has it when it is not pooled.
std::optional<uint32_t> ScaledDotFinder::keep(const IdMask& mask, Ref at) {
  const auto known = kept_.find({mask.id.expression, mask.padding});
  if (known != kept_.end()) return known->second;
  for (; searched_ < expressions_.size(); ++searched_) {
    const Expression& row = expressions_[searched_];
    if (row.kind == ExpressionKind::kEmbedding)
      lookups_.emplace(row.inputs.front().expression, static_cast<uint32_t>(searched_));
  }
  const auto found = lookups_.find(mask.id.expression);
  const Expression& ids = expressions_.of(mask.id);
  if (found == lookups_.end() || ids.kind != ExpressionKind::kInput || ids.columns < 2) return std::nullopt;
  const Expression& row = expressions_[found->second];
  if (mask.padding < 0 || static_cast<size_t>(mask.padding) >= row.weight->rows)
    chains_.fail(at, "compares ids with one that is not in their table");
  Expression kept;
  kept.kind = ExpressionKind::kPooled;
  kept.node = row.node;
  kept.inputs = expressions_.all(mask.id.expression);
  kept.weight = row.weight;
  kept.name = row.name;
  kept.columns = ids.columns * (row.columns + 1);
  kept.pooling = Pooling::kKept;
  kept.padding_id = static_cast<uint32_t>(mask.padding);
  expressions_.charge(kept.columns);
  return kept_[{mask.id.expression, mask.padding}] = expressions_.add(std::move(kept));
}

// ------------------------------------------------------------------------------------ all of it

std::optional<FoundScaledDot> ScaledDotFinder::find(const Vector& sums) {
  std::map<uint32_t, size_t> known;  // rows, by their softmaxes
  std::vector<Row> rows;
  for (const Ref sum : sums) {
    if (!add_result(sum, known, rows)) return std::nullopt;
  }
  bool swapped = false;
  std::optional<std::vector<Head>> heads = heads_of(rows, false);
  if (!heads) swapped = true, heads = heads_of(rows, true);
  FoundScaledDot found;
  std::vector<size_t> keys;
  if (!heads || !take_keys(rows, *heads, found, keys) || keys.empty()) return std::nullopt;
  found.mask = mask_of_keys(rows, keys, found.causal, sums.front());
  found.without_keys = !found.mask.empty() && lacks_keys(rows, keys);
  const auto append = [](Vector& to, const Vector& from) { to.insert(to.end(), from.begin(), from.end()); };
  for (size_t query = 0; query < heads->front().rows.size(); ++query) {
    for (const Head& head : *heads) {
      append(found.query, *query_of(rows[head.rows[query]], swapped));
      append(found.results, rows[head.rows[query]].results);
    }
  }
  for (const size_t key : keys) {
    for (const Head& head : *heads) {
      append(found.keys, head.keys[key]);
      append(found.values, head.values[key]);
    }
  }
  found.heads = heads->size();
  found.group = found.keys.size() / keys.size();
  found.value_width = found.values.size() / keys.size();
  for (const Logit& logit : rows.front().logits) {
    if (!logit.left_out) found.scale = logit.scale;
  }
  return found;
}

}  // namespace mmoe::converter
