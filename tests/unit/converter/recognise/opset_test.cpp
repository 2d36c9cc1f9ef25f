// What operators mean in each version of ONNX's operator set. What is accepted is proved against the reference
// evaluation; what a model file cannot say, or nothing says, is refused.
#include <functional>

#include "converter/recognise/operators.h"
#include "tests/unit/converter/importers/weights_test_support.h"
#include "tests/unit/converter/proof/proof_test_support.h"

namespace mmoe::converter::testing {
namespace {

using B = GraphBuilder;

struct Row {
  std::string name;
  std::vector<int64_t> opsets;
  /// From x [batch, 4] to a vector of the returned width.
  std::function<std::pair<std::string, uint64_t>(B&, const std::string& x)> build;
  const char* refusal = "";  ///< part of the message; "": proved
};

void check(const std::vector<Row>& rows) {
  for (const Row& row : rows) {
    for (const int64_t opset : row.opsets) {
      CAPTURE(row.name);
      CAPTURE(opset);
      B build(opset);
      const auto [vector, width] = row.build(build, build.input("x", {0, 4}));
      build.model_of(vector, width);
      const std::string found = proof_of(build);
      if (*row.refusal == '\0') CHECK(found == "");
      if (*row.refusal != '\0') CHECK_CONTAINS(found, row.refusal);
    }
  }
}

/// [batch, 4] as [batch, 2, 2], whatever the operator set.
std::string square(B& b, const std::string& x) { return b.node("Reshape", {x, b.integers({-1, 2, 2})}); }
std::string flat(B& b, const std::string& x) { return b.node("Flatten", {x}); }
std::string layer(B& b, const std::string& x, uint64_t inputs, uint64_t outputs) {
  return b.node("MatMul", {x, b.weights({inputs, outputs})});
}

/// A task over two experts mixed by `gate` of logits [batch, 2].
B mixture(int64_t opset, const std::function<std::string(B&, const std::string&)>& gate) {
  B build(opset);
  const std::string x = build.input("x", {0, 4});
  const std::string first = build.node("Relu", {layer(build, x, 4, 3)}),
                    second = build.node("Relu", {layer(build, x, 4, 3)});
  const std::string weights = gate(build, layer(build, x, 4, 2));
  std::vector<std::string> weighed;
  const std::vector<std::string> experts = {first, second};
  for (int64_t i = 0; i < 2; ++i) {
    const std::string one = build.node("Gather", {weights, build.integers({i})}, {{"axis", B::integer(1)}});
    weighed.push_back(build.node("Mul", {one, experts[static_cast<size_t>(i)]}));
  }
  build.output(build.node("Sigmoid", {layer(build, build.node("Add", {weighed[0], weighed[1]}), 3, 1)}));
  return build;
}

std::string mixture_error(int64_t opset, const std::function<std::string(B&, const std::string&)>& gate) {
  return proof_of(mixture(opset, gate));
}

}  // namespace

TEST_CASE("opset: lists that were attributes and became inputs") {
  const auto with = [](const char* operation, const char* name, std::vector<int64_t> list, bool attribute,
                       uint64_t width) {
    return [=](B& b, const std::string& x) {
      const std::string in = square(b, layer(b, x, 4, 4));
      const std::string out =
          attribute ? b.node(operation, {in}, {{name, B::list(list)}}) : b.node(operation, {in, b.integers(list)});
      return std::make_pair(flat(b, out), width);
    };
  };
  check({{"Unsqueeze, attribute", {7, 11, 12}, with("Unsqueeze", "axes", {1}, true, 4)},
         {"Unsqueeze, input", {13, 21, 28}, with("Unsqueeze", "axes", {1}, false, 4)},
         {"Unsqueeze, negative axis", {13}, with("Unsqueeze", "axes", {-1}, false, 4)},
         {"Unsqueeze, attribute too late", {13}, with("Unsqueeze", "axes", {1}, true, 4), "has the attribute 'axes'"},
         {"Unsqueeze, input too early", {11}, with("Unsqueeze", "axes", {1}, false, 4), "has 2 inputs"},
         {"ReduceMean, attribute", {7, 17}, with("ReduceMean", "axes", {1}, true, 2)},
         {"ReduceMean, input", {18, 28}, with("ReduceMean", "axes", {1}, false, 2)},
         {"ReduceMean, input too early", {17}, with("ReduceMean", "axes", {1}, false, 2), "has 2 inputs"},
         {"ReduceMean over the batch", {11}, with("ReduceMean", "axes", {0}, true, 2), "reduces the batch"}});
}

TEST_CASE("opset: axes, defaults and ends") {
  const auto one = [](const char* operation, std::map<std::string, OnnxAttribute> attributes) {
    return [=](B& b, const std::string& x) { return std::make_pair(b.node(operation, {x}, attributes), uint64_t{4}); };
  };
  const auto slice = [](int64_t end) {
    return [=](B& b, const std::string& x) {
      const std::string out = b.node("Slice", {x, b.integers({0, 1}), b.integers({end, end})});
      return std::make_pair(out, uint64_t{3});
    };
  };
  const auto split = [](std::map<std::string, OnnxAttribute> attributes, size_t parts) {
    return [=](B& b, const std::string& x) {
      const std::vector<std::string> out = b.split_node("Split", {x}, parts, attributes);
      return std::make_pair(out.back(), uint64_t{parts == 3 ? 0u : 2u});
    };
  };
  const auto axis = B::integer(1);
  check({{"Flatten", {7, 13, 28}, one("Flatten", {})},
         {"Flatten, negative axis", {11, 28}, one("Flatten", {{"axis", B::integer(-1)}})},
         {"Flatten that mixes rows", {13}, one("Flatten", {{"axis", B::integer(0)}}), "sums over the batch"},
         {"Slice by attributes",
          {7, 9},
          one("Slice", {{"starts", B::list({0})}, {"ends", B::list({1000000000})}, {"axes", B::list({0})}})},
         {"Slice by attributes too late",
          {10},
          one("Slice", {{"starts", B::list({0})}, {"ends", B::list({1})}}),
          "has the attribute 'ends'"},
         {"Slice to 10^9", {10, 13, 28}, slice(1000000000)},
         {"Slice to 2^31 - 1", {10}, slice(2147483647)},
         {"Slice to 2^63 - 1", {11}, slice(std::numeric_limits<int64_t>::max())},
         {"Slice that leaves rows out", {13}, slice(5), "works along the batch"},
         {"Split", {7, 13}, split({{"axis", axis}}, 2)},
         {"Split, num_outputs", {18, 28}, split({{"axis", axis}, {"num_outputs", B::integer(2)}}, 2)},
         {"Split, num_outputs too early",
          {13},
          split({{"axis", axis}, {"num_outputs", B::integer(2)}}, 2),
          "'num_outputs'"},
         {"Split, another num_outputs",
          {18},
          split({{"axis", axis}, {"num_outputs", B::integer(3)}}, 2),
          "another number of parts"},
         {"Split into unequal parts", {13}, split({{"axis", axis}}, 3), "equal parts"},
         {"Split along the batch", {13}, split({}, 2), "works along the batch"},
         {"Concat without an axis", {13}, one("Concat", {}), "has no axis"},
         {"Reshape without allowzero",
          {7, 14},
          [](B& b, const std::string& x) {
            return std::make_pair(b.node("Reshape", {x, b.integers({0, 4})}), uint64_t{4});
          }},
         {"Reshape with allowzero",
          {14},
          [](B& b, const std::string& x) {
            return std::make_pair(b.node("Reshape", {x, b.integers({0, 4})}, {{"allowzero", B::integer(1)}}),
                                  uint64_t{4});
          },
          "batch"}});
}

TEST_CASE("opset: Softmax flattens before 13") {
  // Over [batch, 2, 1]: axis 1 and all behind it are the two logits; the last axis alone is one number.
  const auto three_axes = [](B& b, const std::string& logits) {
    return flat(b, b.node("Softmax", {b.node("Reshape", {logits, b.integers({-1, 2, 1})})}));
  };
  for (const int64_t opset : {7, 11, 12}) CHECK(mixture_error(opset, three_axes) == "");
  // Over [batch, 1, 2]: the same from 13 on.
  const auto last_axis = [](B& b, const std::string& logits) {
    return flat(b, b.node("Softmax", {b.node("Reshape", {logits, b.integers({-1, 1, 2})})}));
  };
  for (const int64_t opset : {7, 11, 13, 28}) CHECK(mixture_error(opset, last_axis) == "");
  // The logits of two gates in one softmax.
  const auto joined = [](B& b, const std::string& logits) {
    const std::string both = b.node("Concat", {logits, logits}, {{"axis", B::integer(1)}});
    const std::string stacked = b.node("Reshape", {both, b.integers({-1, 2, 2})});
    return b.node("Gather", {b.node("Softmax", {stacked}), b.integers({}, {0})}, {{"axis", B::integer(1)}});
  };
  // Before 13 it is over all four logits, two of which weigh nothing.
  for (const int64_t opset : {11, 12, 13, 28}) {
    CAPTURE(opset);
    CHECK(mixture_error(opset, joined) == "");
    CHECK(mixture(opset, joined).recognise().levels.at(0).gates.at(0).experts.size() == (opset < 13 ? 4 : 2));
  }
  const auto over_batch = [](B& b, const std::string& logits) {
    return b.node("Softmax", {logits}, {{"axis", B::integer(0)}});
  };
  for (const int64_t opset : {11, 13}) CHECK_CONTAINS(mixture_error(opset, over_batch), "a softmax over the batch");
}

TEST_CASE("opset: casts are kept or refused") {
  const auto there_and_back = [](int64_t type) {
    return [=](B& b, const std::string& x) {
      const std::string there = b.node("Cast", {layer(b, x, 4, 3)}, {{"to", B::integer(type)}});
      return std::make_pair(b.node("Cast", {there}, {{"to", B::integer(1)}}), uint64_t{3});
    };
  };
  const auto input = [](int64_t type) {
    return [=](B& b, const std::string& x) {
      const std::string there = b.node("Cast", {x}, {{"to", B::integer(type)}});
      return std::make_pair(b.node("Cast", {there}, {{"to", B::integer(1)}}), uint64_t{4});
    };
  };
  check({{"to double", {7, 13, 28}, there_and_back(11)},
         {"to half",
          {7, 13, 28},
          there_and_back(10),
          "to float16, which a model file cannot express: export the model in float32"},
         {"to bfloat16", {13}, there_and_back(16), "to bfloat16"},
         {"to int64", {13}, there_and_back(7), "casts a result to whole numbers"},
         {"to bool", {13}, there_and_back(9), "to bool"},
         {"x to half", {13}, input(10), "to float16"},
         {"x to int32", {13}, input(6), "cast to a whole number before"},
         {"x to int8", {13}, input(3), "to int8"}});
  for (const char* dtype : {"f16", "bf16"}) {
    B half;
    half.model_of(half.input("x", {0, 4}), 4);
    half.graph.inputs[0].dtype = dtype;
    CHECK_CONTAINS(half.error(), std::string("input 'x': is of ") + dtype);
    CHECK_CONTAINS(half.error(), "export it in float32");
  }
}

TEST_CASE("opset: layers that depend on training") {
  const auto dropout = [](float ratio, int64_t training) {
    return [=](B& b, const std::string& x) {
      return std::make_pair(b.node("Dropout", {x, b.scalar(ratio), b.integers({}, {training})}), uint64_t{4});
    };
  };
  const auto batch_norm = [](std::map<std::string, OnnxAttribute> attributes, size_t outputs) {
    return [=](B& b, const std::string& x) {
      const std::string in = layer(b, x, 4, 3);
      const std::string mean = b.weights({3}), variance = b.floats({3}, 0.5f);
      const auto out =
          b.split_node("BatchNormalization", {in, b.weights({3}), b.weights({3}), mean, variance}, outputs, attributes);
      return std::make_pair(out[0], uint64_t{3});
    };
  };
  check({{"Dropout",
          {7, 10},
          [](B& b, const std::string& x) {
            return std::make_pair(b.node("Dropout", {x}, {{"ratio", B::real(0.5f)}}), uint64_t{4});
          }},
         {"Dropout in training", {12, 28}, dropout(0.5f, 1), "is in training mode"},
         {"Dropout in training of nothing", {12, 28}, dropout(0, 1)},
         {"Dropout in inference", {12}, dropout(0.5f, 0)},
         {"BatchNormalization", {7, 9, 14, 28}, batch_norm({{"momentum", B::real(0.9f)}}, 1)},
         {"BatchNormalization, epsilon", {13}, batch_norm({{"epsilon", B::real(0.25f)}}, 1)},
         {"BatchNormalization in training",
          {14},
          batch_norm({{"training_mode", B::integer(1)}}, 1),
          "is in training mode"},
         {"BatchNormalization in training before 14", {9}, batch_norm({}, 5), "as in training"},
         {"BatchNormalization per element", {7}, batch_norm({{"spatial", B::integer(0)}}, 1), "spatial = 0"}});
}

TEST_CASE("opset: Gemm's factors, and slopes that repeat") {
  const auto gemm = [](std::map<std::string, OnnxAttribute> attributes, bool biased) {
    return [=](B& b, const std::string& x) {
      std::vector<std::string> inputs = {x, b.weights({4, 3})};
      if (biased) inputs.push_back(b.weights({3}));
      return std::make_pair(b.node("Gemm", inputs, attributes), uint64_t{3});
    };
  };
  const auto prelu = [](std::vector<uint64_t> shape) {
    return [=](B& b, const std::string& x) {
      return std::make_pair(b.node("PRelu", {layer(b, x, 4, 3), b.weights(shape)}), uint64_t{3});
    };
  };
  check({{"Gemm", {7, 11, 28}, gemm({}, true)},
         {"Gemm, alpha and beta", {9}, gemm({{"alpha", B::real(0.5f)}, {"beta", B::real(-2)}}, true)},
         {"Gemm, alpha without a bias", {13}, gemm({{"alpha", B::real(0.5f)}}, false)},
         {"Gemm, beta 0 without a bias", {13}, gemm({{"beta", B::real(0)}}, false)},
         {"Gemm, beta 0", {13}, gemm({{"beta", B::real(0)}}, true)},
         {"Gemm without a bias too early", {10}, gemm({}, false), "has 2 inputs"},
         {"PRelu, one slope", {7, 28}, prelu({1})},
         {"PRelu, a slope per channel", {7, 16}, prelu({3})},
         {"PRelu, slopes of another shape", {16}, prelu({2, 3}), "slopes that do not fit"}});
}

TEST_CASE("opset: an attribute, an operator set, a domain that is not known is named") {
  const auto error_in = [](int64_t opset) {
    B build(opset);
    build.model_of(build.input("x", {0, 4}), 4);
    return build.error();
  };
  CHECK(error_in(kOldestOpset) == "");
  CHECK(error_in(kNewestOpset) == "");
  CHECK_CONTAINS(error_in(kOldestOpset - 1), "uses version 6 of ONNX's operator set; known are 7 to");
  CHECK_CONTAINS(error_in(kNewestOpset + 1), "export with opset_version=17");
  CHECK_CONTAINS(error_in(0), "does not say which version");
  const auto error_of_node = [](const char* operation, std::map<std::string, OnnxAttribute> attributes, B build = B()) {
    build.model_of(build.node(operation, {build.input("x", {0, 4})}, std::move(attributes)), 4);
    return build.error();
  };
  CHECK_CONTAINS(error_of_node("Relu", {{"consumed_inputs", B::list({0})}}),
                 "node 0 (Relu): has the attribute 'consumed_inputs'");
  CHECK_CONTAINS(error_of_node("Gelu", {}), "is no operator in operator set 17");
  CHECK_CONTAINS(error_of_node("com.microsoft.BiasGelu", {}), "the domain 'com.microsoft', not of ONNX's own");
  B functions;
  functions.graph.functions = {"mine.Block"};
  CHECK_CONTAINS(error_of_node("mine.Block", {}, functions), "a function that the model itself defines");
  OnnxAttribute nested;
  nested.graph = true;
  CHECK_CONTAINS(error_of_node("Scan", {{"body", nested}}), "holds a graph of its own");
  B sparse;
  sparse.graph.sparse_constants = {"s"};
  sparse.model_of(sparse.node("MatMul", {sparse.input("x", {0, 4}), "s"}), 4);
  CHECK_CONTAINS(sparse.error(), "'s' is a sparse tensor, which is not read");
}

}  // namespace mmoe::converter::testing
