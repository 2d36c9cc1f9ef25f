// Numbers that graphs make of comparisons of ids: choices, one-hot vectors, functions of how many are padding.
#include <limits>

#include "tests/unit/converter/importers/weights_test_support.h"
#include "tests/unit/converter/proof/proof_test_support.h"

namespace mmoe::converter::testing {
namespace {

using B = GraphBuilder;

/// x [batch, 3] and the id of a domain.
struct Domains {
  GraphBuilder build;
  std::string x = build.input("x", {0, 3});
  std::string domain = build.input("domain", {0, 1}, true);

  std::string tower(const std::string& of) {
    return build.node("Sigmoid",
                      {build.node("MatMul", {build.node("Tanh", {build.node("MatMul", {of, build.weights({3, 4})})}),
                                             build.weights({4, 1})})});
  }
  std::string is(int64_t number) { return build.node("Equal", {domain, build.integers({number})}); }
  std::string as_float(const std::string& truth) {
    return build.node("Cast", {truth}, {{"to", GraphBuilder::integer(1)}});
  }
  std::string joined(const std::vector<std::string>& parts) {
    return build.node("Concat", parts, {{"axis", GraphBuilder::integer(1)}});
  }
};

/// ids [batch, 4] of a table [6, 3], of which 0 is the padding.
struct History {
  GraphBuilder build;
  std::string ids = build.input("ids", {0, 4}, true);
  std::string embedded = build.node("Gather", {build.weights({6, 3}), ids});
  std::string is_padding = build.node("Equal", {ids, build.integers({0})});
  std::string mask = build.node("Cast", {build.node("Not", {is_padding})}, {{"to", GraphBuilder::integer(1)}});
  std::map<std::string, OnnxAttribute> keep = {{"keepdims", GraphBuilder::integer(1)}};

  std::string sum(const std::string& of, int64_t axis = 1) {
    return build.node("ReduceSum", {of, build.integers({axis})}, {{"keepdims", GraphBuilder::integer(0)}});
  }
  std::string masked() { return build.node("Mul", {embedded, build.node("Unsqueeze", {mask, build.integers({2})})}); }
  std::string count() { return build.node("ReduceSum", {mask, build.integers({1})}); }
  void check(const std::string& vector) {
    build.model_of(vector, 3);
    CHECK(build.error() == "");
    CHECK(proof_of(build) == "");
  }
};

}  // namespace

TEST_CASE("id numbers: scores of several domains, chosen by where") {
  Domains where;
  const std::string second = where.build.node("Where", {where.is(1), where.tower(where.x), where.tower(where.x)});
  where.build.output(where.build.node("Where", {where.is(2), where.tower(where.x), second}));
  const TrainedModel model = where.build.recognise();
  REQUIRE(model.features.size() == 2);
  // Ids that are compared with nothing are none of these.
  REQUIRE(model.features[1].vocabulary() != nullptr);
  CHECK(model.features[1].vocabulary()->unknown == UnknownRule::kZero);
  CHECK(model.features[1].vocabulary()->size == 3);
  CHECK(proof_of(where.build) == "");
}

TEST_CASE("id numbers: scores times masks, which are added") {
  Domains masked;
  std::vector<std::string> terms;
  for (const int64_t number : {0, 1, 2})
    terms.push_back(masked.build.node("Mul", {masked.tower(masked.x), masked.as_float(masked.is(number))}));
  masked.build.output(masked.build.node("Add", {masked.build.node("Add", {terms[0], terms[1]}), terms[2]}));
  CHECK(proof_of(masked.build) == "");
}

TEST_CASE("id numbers: one-hot vectors") {
  Domains one_hot;
  const std::string ones =
      one_hot.build.node("OneHot", {one_hot.build.node("Squeeze", {one_hot.domain, one_hot.build.integers({1})}),
                                    one_hot.build.integers({}, {3}), one_hot.build.values({0, 1}, {2})});
  one_hot.build.model_of(one_hot.joined({one_hot.x, ones}), 6);
  const TrainedModel model = one_hot.build.recognise();
  REQUIRE(model.features.size() == 2);
  CHECK(model.features[1].vocabulary()->size == 3);
  CHECK(proof_of(one_hot.build) == "");
  Domains compared;  // with all numbers at once
  const std::string all = compared.build.node("Equal", {compared.domain, compared.build.integers({0, 1, 2})});
  compared.build.model_of(compared.joined({compared.x, compared.as_float(all)}), 6);
  CHECK(proof_of(compared.build) == "");
  Domains along;  // [batch, 3, 4] of ids [batch, 4]
  const std::string places = along.build.node(
      "OneHot",
      {along.build.input("ids", {0, 4}, true), along.build.integers({}, {3}), along.build.values({0, 1}, {2})},
      {{"axis", GraphBuilder::integer(1)}});
  along.build.model_of(along.build.node("Flatten", {places}), 12);
  CHECK(proof_of(along.build) == "");
  Domains other;
  const std::string scaled =
      other.build.node("OneHot", {other.domain, other.build.integers({}, {3}), other.build.values({0, 2}, {2})});
  other.build.model_of(other.build.node("Flatten", {scaled}), 3);
  CHECK(other.build.error().find("is not 1 at an id's place and 0 elsewhere") != std::string::npos);
}

TEST_CASE("id numbers: elements at the places that ids say") {
  Domains gathered;
  const std::string scores = gathered.joined({gathered.tower(gathered.x), gathered.tower(gathered.x)});
  gathered.build.output(
      gathered.build.node("GatherElements", {scores, gathered.domain}, {{"axis", GraphBuilder::integer(1)}}));
  CHECK(proof_of(gathered.build) == "");
}

TEST_CASE("id numbers: what a model file cannot compare is refused") {
  Domains negative;
  negative.build.output(negative.build.node("Mul", {negative.tower(negative.x), negative.as_float(negative.is(-1))}));
  CHECK(negative.build.error().find("is not from 0 to 4095") != std::string::npos);
  Domains computed;
  const std::string rounded = computed.build.node("Equal", {computed.x, computed.build.values({1, 1, 1}, {3})});
  computed.build.model_of(computed.as_float(rounded), 3);
  CHECK(computed.build.error().find("compares computed numbers") != std::string::npos);
}

TEST_CASE("id numbers: quotients by how many ids are not padding") {
  History smooth;  // the sum over n + 0.001
  smooth.check(smooth.build.node(
      "Div", {smooth.sum(smooth.masked()), smooth.build.node("Add", {smooth.count(), smooth.build.scalar(1e-3f)})}));
  History root;
  const std::string least = root.build.node("Clip", {root.count(), root.build.scalar(1)});
  root.check(root.build.node("Div", {root.sum(root.masked()), root.build.node("Sqrt", {least})}));
  History multiplied;  // by a matrix product
  const std::string row = multiplied.build.node("Unsqueeze", {multiplied.mask, multiplied.build.integers({1})});
  const std::string summed = multiplied.build.node(
      "Squeeze", {multiplied.build.node("MatMul", {row, multiplied.embedded}), multiplied.build.integers({1})});
  multiplied.check(multiplied.build.node(
      "Div", {summed, multiplied.build.node("Add", {multiplied.count(), multiplied.build.scalar(1e-8f)})}));
}

TEST_CASE("id numbers: quotients by the length of a long sequence are as exact as those of a short one") {
  GraphBuilder build;
  const std::string ids = build.input("ids", {0, 200}, true);
  const std::string embedded = build.node("Gather", {build.weights({50, 3}), ids});
  const std::string layer = build.node(
      "Relu", {build.node("Add", {build.node("MatMul", {embedded, build.weights({3, 3})}), build.weights({3})})});
  const std::string mask = build.node("Cast", {build.node("Not", {build.node("Equal", {ids, build.integers({0})})})},
                                      {{"to", GraphBuilder::integer(1)}});
  const std::string masked = build.node("Mul", {layer, build.node("Unsqueeze", {mask, build.integers({2})})});
  const std::string sum =
      build.node("ReduceSum", {masked, build.integers({1})}, {{"keepdims", GraphBuilder::integer(0)}});
  const std::string count =
      build.node("Add", {build.node("ReduceSum", {mask, build.integers({1})}), build.scalar(1e-8f)});
  build.model_of(build.node("Div", {sum, count}), 3);
  const TrainedModel model = build.recognise();
  const ProofReport report = prove(build.graph, model, convert(model, {}).file, 5);
  // All rows count: the bound of the rounding is below a hundredth. 200 sums of a float are 1.2e-5 of its size.
  CHECK(report.num_rows == 64);
  CHECK(report.largest_difference < 1.2e-5);
  CHECK(report.largest_of_others == 0);
}

TEST_CASE("id numbers: what none of several ids gives is refused where it is another") {
  GraphBuilder build;
  std::vector<std::string> embedded, flags;
  for (const char* name : {"a", "b", "c"}) {
    const std::string id = build.input(name, {0, 1}, true);
    embedded.push_back(
        build.node("Squeeze", {build.node("Gather", {build.weights({50, 3}), id}), build.integers({1})}));
    const std::string other = build.node("Not", {build.node("Equal", {id, build.integers({0})})});
    flags.push_back(build.node("Cast", {other}, {{"to", GraphBuilder::integer(1)}}));
  }
  const std::string count =
      build.node("ReduceSum", {build.node("Concat", flags, {{"axis", GraphBuilder::integer(1)}}), build.integers({1})});
  embedded.push_back(build.node("Reciprocal", {build.node("Add", {count, build.scalar(1e-3f)})}));
  build.model_of(build.node("Concat", embedded, {{"axis", GraphBuilder::integer(1)}}), 10);
  CHECK(proof_of(build).find("does not compute what the graph computes") != std::string::npos);
}

TEST_CASE("id numbers: a choice whose other side is infinite is refused") {
  Domains where;
  const std::string logit = where.build.node(
      "Mul", {where.build.node("MatMul", {where.x, where.build.weights({3, 1})}), where.build.scalar(30)});
  where.build.output(where.build.node("Where", {where.is(7), where.build.node("Exp", {logit}), logit}));
  CHECK(proof_of(where.build).find("the file NaN") != std::string::npos);
}

TEST_CASE("id numbers: the last element by the length") {
  History last;
  const std::string whole =
      last.build.node("Cast", {last.build.node("Not", {last.is_padding})}, {{"to", GraphBuilder::integer(7)}});
  const std::string place =
      last.build.node("Clip", {last.build.node("Sub", {last.build.node("ReduceSum", {whole, last.build.integers({1})}),
                                                       last.build.integers({}, {1})}),
                               last.build.integers({}, {0})});
  const std::string index = last.build.node(
      "Expand", {last.build.node("Unsqueeze", {place, last.build.integers({2})}), last.build.integers({1, 1, 3})});
  const std::string element =
      last.build.node("GatherElements", {last.embedded, index}, {{"axis", GraphBuilder::integer(1)}});
  last.check(last.build.node("Squeeze", {element, last.build.integers({1})}));
}

TEST_CASE("id numbers: exponentials without the padding, divided by their sum") {
  for (const float added : {0.0f, 1e-8f, 0.5f}) {
    CAPTURE(added);
    History pooled;
    const std::string logits = pooled.build.node("MatMul", {pooled.embedded, pooled.build.weights({3, 1})});
    const std::string powers = pooled.build.node(
        "Mul",
        {pooled.build.node("Exp", {pooled.build.node("Squeeze", {logits, pooled.build.integers({2})})}), pooled.mask});
    std::string total = pooled.build.node("ReduceSum", {powers, pooled.build.integers({1})});
    if (added != 0) total = pooled.build.node("Add", {total, pooled.build.scalar(added)});
    const std::string weights =
        pooled.build.node("Unsqueeze", {pooled.build.node("Div", {powers, total}), pooled.build.integers({2})});
    pooled.check(pooled.sum(pooled.build.node("Mul", {pooled.embedded, weights})));
  }
}

TEST_CASE("id numbers: a softmax that leaves padding out by a large number, of padding alone") {
  // The mean of the padding's embeddings, which are not 0.
  for (const float number : {-1e9f, -4294967295.0f}) {
    CAPTURE(number);
    History attended;
    const std::string logits = attended.build.node("MatMul", {attended.embedded, attended.build.weights({3, 1})});
    const std::string scores =
        attended.build.node("Where", {attended.is_padding, attended.build.scalar(number),
                                      attended.build.node("Squeeze", {logits, attended.build.integers({2})})});
    const std::string weights =
        attended.build.node("Unsqueeze", {attended.build.softmax(scores), attended.build.integers({2})});
    attended.check(attended.sum(attended.build.node("Mul", {attended.embedded, weights})));
  }
}

namespace {

/// The largest elements, a number in the place of padding.
std::string largest_without_padding(History& history, const std::string& elements, float number) {
  B& build = history.build;
  const std::string left = build.node(
      "Where", {build.node("Unsqueeze", {history.is_padding, build.integers({2})}), build.scalar(number), elements});
  return build.node("ReduceMax", {left}, {{"axes", B::list({1})}, {"keepdims", B::integer(0)}});
}

}  // namespace

TEST_CASE("id numbers: the largest of a sequence's embeddings without the padding") {
  // Of padding alone it is the number itself.
  for (const float number : {-1e9f, -1e5f}) {
    CAPTURE(number);
    History history;
    history.check(largest_without_padding(history, history.embedded, number));
  }
}

TEST_CASE("id numbers: the largest of what is left in is refused where floats would cancel out") {
  History computed;
  computed.build.model_of(largest_without_padding(computed, computed.build.node("Tanh", {computed.embedded}), -1e9f),
                          3);
  CHECK_CONTAINS(proof_of(computed.build), "takes the largest of numbers that a mask sets far below");
}

TEST_CASE("id numbers: the largest of scores of which an id chooses one") {
  const auto largest = [](const std::vector<int64_t>& numbers) {
    Domains domains;
    B& build = domains.build;
    const std::string scores = domains.joined({domains.tower(domains.x), domains.tower(domains.x)});
    const std::string own = build.node("Equal", {domains.domain, build.integers(numbers)});
    const std::string left = build.node("Where", {own, scores, build.scalar(-1e9f)});
    build.output(build.node("ReduceMax", {left}, {{"axes", B::list({1})}, {"keepdims", B::integer(1)}}));
    return proof_of(build);
  };
  CHECK(largest({0, 1}) == "");
  CHECK_CONTAINS(largest({1, 1}), "takes the largest of numbers that a mask sets far below");  // of both, or of none
}

}  // namespace mmoe::converter::testing
