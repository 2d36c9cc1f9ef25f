// If: what shapes and constants decide is one of its branches, and the other one is none of the model.
#include <functional>

#include "tests/unit/converter/importers/weights_test_support.h"
#include "tests/unit/converter/proof/proof_test_support.h"

namespace mmoe::converter::testing {
namespace {

using B = GraphBuilder;

/// A branch that gives what `make` makes.
B branch(const std::string& prefix, const std::function<std::string(B&)>& make) {
  B build(17, prefix);
  build.output(make(build));
  return build;
}

B identity(const std::string& prefix, const std::string& of) {
  return branch(prefix, [&](B& b) { return b.node("Identity", {of}); });
}

/// The size of an axis, as a number by itself.
std::string size_of(B& build, const std::string& x, int64_t axis) {
  return build.node("Gather", {build.node("Shape", {x}), build.integers({}, {axis})});
}

/// x [batch, 1, 4] or [batch, 2, 2], squeezed where axis 1 is 1 as torch's exporter writes it.
std::string squeezed(const std::vector<uint64_t>& shape) {
  B build;
  const std::string x = build.input("x", shape);
  const std::string is_one = build.node("Equal", {size_of(build, x, 1), build.integers({}, {1})});
  const B squeeze = branch("then.", [&](B& b) { return b.node("Squeeze", {x, b.integers({1})}); });
  const std::string result = build.choose(is_one, squeeze, identity("else.", x));
  build.model_of(build.node("Flatten", {result}), 4);
  return proof_of(build);
}

/// A model of what an If gives, whose condition `make` makes of x [batch, 4].
B chosen(const std::function<std::string(B&, const std::string&)>& make, const std::function<std::string(B&)>& then,
         const std::function<std::string(B&)>& otherwise) {
  B build;
  const std::string x = build.input("x", {0, 4});
  build.model_of(build.choose(make(build, x), branch("then.", then), branch("else.", otherwise)), 4);
  return build;
}

std::string rows_decide(B& b, const std::string&) {
  return b.node("Equal", {b.input("domain", {0}, true), b.integers({}, {1})});
}

std::string batch_decides(B& b, const std::string& x) {
  return b.node("Not", {b.node("Equal", {size_of(b, x, 0), b.integers({}, {1})})});
}

std::string doubled(B& b) { return b.node("Mul", {"x", b.scalar(2)}); }
std::string reshaped(B& b) { return b.node("Reshape", {"x", b.integers({-1, 4})}); }

}  // namespace

TEST_CASE("branches: a squeeze that torch's exporter writes as an If") {
  CHECK(squeezed({0, 1, 4}) == "");
  CHECK(squeezed({0, 2, 2}) == "");  // the branch that is not taken could not be computed
}

TEST_CASE("branches: constants decide; layers and constants lie within the branch that is taken") {
  for (const int64_t taken : {0, 1}) {
    CAPTURE(taken);
    const B build = chosen([&](B& b, const std::string&) { return b.integers({}, {taken}); }, doubled,
                           [](B& b) {
                             return b.node("Relu", {b.node("MatMul", {"x", b.weights({4, 4})})});
                           });
    CHECK(proof_of(build) == "");
    const TrainedModel model = build.recognise();
    CHECK(model.levels[0].experts[0].layers.size() == (taken != 0 ? 1 : 2));
  }
}

TEST_CASE("branches: within each other, of which the inner one reads what the outer one made") {
  B build;
  const std::string x = build.input("x", {0, 4});
  B outer(17, "outer.");
  const std::string tanh = outer.node("Tanh", {x});
  outer.output(outer.choose(outer.integers({}, {1}),
                            branch("inner.",
                                   [&](B& b) {
                                     return b.node("Mul", {tanh, x});
                                   }),
                            identity("other.", tanh)));
  build.model_of(build.choose(build.integers({}, {1}), outer, identity("else.", x)), 4);
  CHECK(proof_of(build) == "");
}

TEST_CASE("branches: what nothing known decides is taken where both give the same numbers") {
  for (const auto& decide : {rows_decide, batch_decides}) {
    CHECK(chosen(decide, reshaped, [](B& b) { return b.node("Identity", {"x"}); }).error() == "");
    const std::string error = chosen(decide, reshaped, doubled).error();
    CHECK_CONTAINS(error, "(If): ");
    CHECK_CONTAINS(error, "which of its branches is taken, and they give different numbers");
    CHECK_CONTAINS(chosen(decide, reshaped, [](B& b) { return b.node("Sin", {"x"}); }).error(),
                   "in its else_branch, node 0 (Sin): this operation is not supported");
  }
  CHECK(proof_of(chosen(batch_decides, reshaped, [](B& b) { return b.node("Identity", {"x"}); })) == "");
  CHECK_CONTAINS(chosen(rows_decide, reshaped, doubled).error(), "the rows decide");
  CHECK_CONTAINS(chosen(batch_decides, reshaped, doubled).error(), "the batch's size decides");
}

TEST_CASE("branches: what is decided by the batch's size and something known") {
  const auto with = [](const char* operation, int64_t known) {
    return chosen(
        [&](B& b, const std::string& x) {
          return b.node(operation, {batch_decides(b, x), b.integers({}, {known})});
        },
        reshaped, doubled);
  };
  CHECK(proof_of(with("And", 0)) == "");
  CHECK(proof_of(with("Or", 1)) == "");
  for (const B& build : {with("And", 1), with("Or", 0), with("Xor", 1)})
    CHECK_CONTAINS(build.error(), "the batch's size decides");
}

TEST_CASE("branches: what is none, or reads what is not there") {
  B missing;
  const std::string x = missing.input("x", {0, 4});
  missing.model_of(missing.node("If", {missing.integers({}, {1})}), 4);
  CHECK_CONTAINS(missing.error(), "node 0 (If): has no then_branch");
  CHECK_CONTAINS(chosen([](B& b, const std::string&) { return b.integers({}, {1}); },
                        [](B& b) { return b.node("Relu", {"nowhere"}); }, doubled)
                     .error(),
                 "reads 'nowhere', which no node before it gives");
  // A branch's own values end with it.
  B leaked = chosen([](B& b, const std::string&) { return b.integers({}, {1}); },
                    [](B& b) { return b.node("Relu", {b.node("Tanh", {"x"})}); }, doubled);
  leaked.model_of("then.v0", 4);
  CHECK_CONTAINS(leaked.error(), "reads 'then.v0', which no node before it gives");
  CHECK_CONTAINS(chosen([](B& b, const std::string&) { return b.integers({}, {1}); },
                        [](B& b) {
                          const std::string twice = b.node("Relu", {"x"});
                          b.graph.nodes.push_back(b.graph.nodes.back());
                          return twice;
                        },
                        doubled)
                     .error(),
                 "gives 'then.v0' a second time");
}

}  // namespace mmoe::converter::testing
