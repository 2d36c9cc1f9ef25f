// Elements at places that a graph calculates, masks by lengths, and a loop over the rows of the batch.
#include <cmath>
#include <limits>

#include "tests/unit/converter/importers/weights_test_support.h"
#include "tests/unit/converter/proof/proof_test_support.h"

namespace mmoe::converter::testing {
namespace {

using B = GraphBuilder;

/// ids [batch, 4] of a table [6, 3], and a length, or another number of the row.
struct Lengths {
  B build;
  std::string ids = build.input("ids", {0, 4}, true);
  std::string length = build.input("length", {0}, true);
  std::string embedded = build.node("Gather", {build.weights({6, 3}), ids});

  std::string batch_size() { return build.node("Gather", {build.node("Shape", {ids}), build.integers({}, {0})}); }
  std::string rows(int64_t step = 1) {
    std::string end = batch_size();
    if (step != 1) end = build.node("Mul", {end, build.integers({}, {step})});
    return build.node("Range", {build.integers({}, {0}), end, build.integers({}, {step})});
  }
  std::string below(int64_t number, const std::string& of) {
    return build.node("Sub", {of, build.integers({}, {number})});
  }
  std::string kept(const std::string& of) { return build.node("Clip", {of, build.integers({}, {0})}); }
  /// x[arange, place], as torch's older exporter writes it.
  std::string flat(const std::string& place, int64_t per_row = 4) {
    const std::string all = build.node("Flatten", {embedded}, {{"axis", B::integer(2)}});
    const std::string at = build.node("Add", {place, build.node("Mul", {rows(), build.integers({}, {per_row})})});
    return build.node("Gather", {all, at});
  }
  /// The same as tuples.
  std::string tuples(const std::string& place) {
    const std::string first = build.node("Unsqueeze", {rows(), build.integers({1})});
    const std::string second = build.node("Unsqueeze", {place, build.integers({1})});
    return build.node("GatherND", {embedded, build.node("Concat", {first, second}, {{"axis", B::integer(-1)}})});
  }
  std::string error(const std::string& vector) {
    build.model_of(vector, 3);
    return build.error();
  }
  std::string proof(const std::string& vector) {
    build.model_of(vector, 3);
    return proof_of(build);
  }
};

}  // namespace

TEST_CASE("places: the element before the length that is an input") {
  Lengths flat;
  CHECK(flat.proof(flat.flat(flat.kept(flat.below(1, flat.length)))) == "");
  const TrainedModel model = flat.build.recognise();
  // Lengths are 0 to 4: beyond, the graph has no element.
  REQUIRE(model.features.size() == 5);  // an id each, and the length
  CHECK(model.features[4].vocabulary()->size == 5);
  CHECK(model.features[4].vocabulary()->unknown == UnknownRule::kError);
  Lengths tuples;
  CHECK(tuples.proof(tuples.tuples(tuples.kept(tuples.below(1, tuples.length)))) == "");
  Lengths id;  // a place that is an input itself
  CHECK(id.proof(id.flat(id.length)) == "");
  Lengths constant;
  CHECK(constant.proof(constant.flat(constant.build.integers({2}))) == "");
}

TEST_CASE("places: elements of other rows are refused") {
  Lengths negative;  // a length of 0 is the row before
  CHECK_CONTAINS(negative.error(negative.flat(negative.below(1, negative.length))), "keep it at 0 or more");
  Lengths other;  // rows of 3
  CHECK_CONTAINS(other.error(other.flat(other.length, 3)), "are not counted as the rows of");
  Lengths behind;
  CHECK_CONTAINS(behind.error(behind.flat(behind.build.integers({4}))), "places that a row does not have");
  Lengths added;
  CHECK_CONTAINS(
      added.error(added.build.node(
          "Add", {added.flat(added.length), added.build.node("Cast", {added.rows()}, {{"to", B::integer(1)}})})),
      "no whole numbers");
  Lengths alone;  // each row's own, which is x[arange]
  const std::string own = alone.build.node("Gather", {alone.embedded, alone.rows()});
  CHECK(alone.proof(alone.build.node("Gather", {own, alone.build.integers({}, {0})}, {{"axis", B::integer(1)}})) == "");
}

TEST_CASE("places: masks by a length") {
  for (const bool mirrored : {false, true}) {
    CAPTURE(mirrored);
    Lengths masked;
    B& build = masked.build;
    const std::string column = build.node("Unsqueeze", {masked.length, build.integers({1})});
    const std::string places = build.integers({1, 4}, {0, 1, 2, 3});
    const std::string there = mirrored ? build.node("Greater", {column, places}) : build.node("Less", {places, column});
    const std::string mask = build.node("Cast", {there}, {{"to", B::integer(1)}});
    const std::string sum =
        build.node("ReduceSum",
                   {build.node("Mul", {masked.embedded, build.node("Unsqueeze", {mask, build.integers({2})})}),
                    build.integers({1})},
                   {{"keepdims", B::integer(0)}});
    const std::string count =
        build.node("Clip", {build.node("ReduceSum", {mask, build.integers({1})}), build.scalar(1)});
    CHECK(masked.proof(build.node("Div", {sum, count})) == "");
  }
  Lengths beyond;
  const std::string far = beyond.build.node("Less", {beyond.length, beyond.build.integers({}, {5000})});
  const std::string mask = beyond.build.node(
      "Cast", {beyond.build.node("Unsqueeze", {far, beyond.build.integers({1})})}, {{"to", B::integer(1)}});
  CHECK_CONTAINS(beyond.error(beyond.build.node(
                     "Mul", {beyond.build.node("Gather", {beyond.embedded, beyond.build.integers({}, {0})},
                                               {{"axis", B::integer(1)}}),
                             mask})),
                 "is not from 0 to 4095");
}

TEST_CASE("places: a maximum that a mask by a length limits is refused, as its numbers would cancel out") {
  for (const float number : {-1e9f, -1e6f, -1e4f, -std::numeric_limits<float>::infinity()}) {
    CAPTURE(number);
    Lengths masked;  // by a choice, and by a number that is added
    B& build = masked.build;
    const std::string column = build.node("Unsqueeze", {masked.length, build.integers({1})});
    const std::string there = build.node("Less", {build.integers({1, 4}, {0, 1, 2, 3}), column});
    const std::string mask = build.node("Unsqueeze", {there, build.integers({2})});
    const auto largest = [&](const std::string& of) {
      return build.node("ReduceMax", {of}, {{"axes", B::list({1})}, {"keepdims", B::integer(0)}});
    };
    CHECK_CONTAINS(masked.error(largest(build.node("Where", {mask, masked.embedded, build.scalar(number)}))),
                   "takes the largest of numbers that a mask sets far below");
    if (!std::isfinite(number)) continue;
    const std::string hidden = build.node("Cast", {build.node("Not", {mask})}, {{"to", B::integer(1)}});
    const std::string added = build.node("Mul", {hidden, build.scalar(number)});
    CHECK_CONTAINS(masked.error(largest(build.node("Add", {masked.embedded, added}))),
                   "takes the largest of numbers that a mask sets far below");
  }
}

TEST_CASE("places: a table of masks that an id looks up") {
  B build;
  const std::string x = build.input("x", {0, 3}), id = build.input("domain", {0}, true);
  const std::string seen = build.node("Gather", {build.integers({2, 3}, {1, 0, 1, 1, 1, 0}), id});
  const std::string hidden = build.node("Equal", {seen, build.integers({}, {0})});
  const std::string weights = build.softmax(
      build.node("Where", {hidden, build.scalar(-1e9f), build.node("MatMul", {x, build.weights({3, 3})})}));
  const std::string experts = build.stack({build.node("Tanh", {build.node("MatMul", {x, build.weights({3, 4})})}),
                                           build.node("Tanh", {build.node("MatMul", {x, build.weights({3, 4})})}),
                                           build.node("Tanh", {build.node("MatMul", {x, build.weights({3, 4})})})});
  build.output(build.node("Sigmoid", {build.node("MatMul", {build.mix(weights, experts), build.weights({4, 1})})}));
  CHECK(proof_of(build) == "");
}

TEST_CASE("places: parts of a sequence that is split") {
  for (const int64_t place : {1, -1}) {
    CAPTURE(place);
    B build;
    const std::string parts =
        build.node("SplitToSequence", {build.input("x", {0, 5}), build.integers({}, {2})}, {{"axis", B::integer(1)}});
    build.model_of(build.node("SequenceAt", {parts, build.integers({}, {place})}), place == 1 ? 2 : 1);
    CHECK(proof_of(build) == "");
  }
  B beyond;
  const std::string parts =
      beyond.node("SplitToSequence", {beyond.input("x", {0, 4}), beyond.integers({}, {2})}, {{"axis", B::integer(1)}});
  beyond.model_of(beyond.node("SequenceAt", {parts, beyond.integers({}, {2})}), 2);
  CHECK_CONTAINS(beyond.error(), "a part that the sequence does not have");
}

namespace {

/// nn.EmbeddingBag as a Loop: for each row its part of all ids, looked up and pooled.
struct Bag {
  B build;
  B body{17, "body."};
  std::string ids = build.input("ids", {0, 4}, true);
  std::string table = build.weights({6, 3});
  std::string all = build.node("Reshape", {ids, build.integers({-1})});
  std::string bounds, ends;

  explicit Bag(int64_t per_row = 4) {
    const std::string count = build.node("Gather", {build.node("Shape", {all}), build.integers({}, {0})});
    const std::string begins = build.node("Range", {build.integers({}, {0}), count, build.integers({}, {per_row})});
    bounds = build.node("Concat", {begins, build.node("Unsqueeze", {count, build.integers({0})})},
                        {{"axis", B::integer(0)}});
    ends = build.node("Slice", {bounds, build.integers({1}), build.integers({int64_t{1} << 40}), build.integers({0})});
  }

  std::string bound(const std::string& of) {
    return body.node("Unsqueeze", {body.node("Gather", {of, "step"}), "zero"});
  }

  void loop(const std::string& pooled) {
    const std::string zero = build.integers({0});
    build.graph.initializers["zero"] = build.graph.initializers.at(zero);
    body.graph.inputs = {{"step", true, {}}, {"again", true, {}}};
    body.output(body.node("Identity", {"true"}));
    body.output(pooled);
    build.graph.initializers["true"] = build.graph.initializers.at(build.integers({}, {1}));
    const std::string times = build.node("Gather", {build.node("Shape", {ends}), build.integers({}, {0})});
    const std::string result = build.node("Loop", {times, "true"});
    add_branch(build.graph.nodes.back(), "body", body.graph);
    build.model_of(result, 3);
  }

  std::string looked_up() {
    const std::string own = body.node("Slice", {all, bound(bounds), bound(ends), "zero"});
    return body.node("Gather", {table, own});
  }
};

const std::map<std::string, OnnxAttribute> kFirstAxis = {{"axes", B::list({0})}, {"keepdims", B::integer(0)}};

}  // namespace

TEST_CASE("places: a loop over the rows that looks up and pools") {
  for (const char* pooling : {"ReduceMean", "ReduceMax"}) {
    CAPTURE(pooling);
    Bag bag;
    bag.loop(bag.body.node(pooling, {bag.looked_up()}, kFirstAxis));
    CHECK(bag.build.error() == "");
    CHECK(proof_of(bag.build) == "");
    CHECK(std::holds_alternative<SequenceFeature>(bag.build.recognise().features.at(0).kind));
  }
}

TEST_CASE("places: other loops are refused") {
  Bag elsewhere;  // from the row's end on
  const std::string other = elsewhere.body.node(
      "Slice", {elsewhere.all, elsewhere.bound(elsewhere.ends), elsewhere.bound(elsewhere.bounds), "zero"});
  elsewhere.loop(
      elsewhere.body.node("ReduceMean", {elsewhere.body.node("Gather", {elsewhere.table, other})}, kFirstAxis));
  CHECK_CONTAINS(elsewhere.build.error(), "takes something else than the row's own part");
  Bag counted;
  counted.loop(counted.body.node("Mul", {counted.body.node("ReduceMean", {counted.looked_up()}, kFirstAxis),
                                         counted.body.node("Cast", {"step"}, {{"to", B::integer(1)}})}));
  CHECK_CONTAINS(counted.build.error(), "counts its steps for something else");
  Bag further;
  further.loop(further.body.node("Relu", {further.body.node("ReduceMean", {further.looked_up()}, kFirstAxis)}));
  CHECK_CONTAINS(further.build.error(), "goes on with what it has pooled");
  Bag halves(2);  // two steps for each row
  halves.loop(halves.body.node("ReduceMean", {halves.looked_up()}, kFirstAxis));
  CHECK_CONTAINS(halves.build.error(), "depends on the batch's size in another way");
}

}  // namespace mmoe::converter::testing
