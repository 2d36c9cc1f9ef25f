// Activations as one node and written out, and look-alikes of them.
#include <algorithm>
#include <functional>

#include "tests/unit/converter/importers/weights_test_support.h"
#include "tests/unit/converter/proof/proof_test_support.h"

namespace mmoe::converter::testing {
namespace {

using Written = std::function<std::string(GraphBuilder&, const std::string&)>;

/// x [batch, 3] through a layer of width 2, then what is written, then a tower.
GraphBuilder activated(const Written& write) {
  GraphBuilder build(24);
  const std::string x = build.input("x", {0, 3});
  build.task(write(build, build.node("Gemm", {x, build.floats({3, 2}), build.floats({2})})), 2);
  return build;
}

Activation found(const Written& write) {
  const TrainedModel model = activated(write).recognise();
  REQUIRE(model.levels.at(0).experts.at(0).layers.size() == 1);
  return model.levels[0].experts[0].layers[0].activation;
}

bool refused(const Written& write) { return !activated(write).error().empty(); }

/// Whether it is no activation, but a product, which a node makes, with the scores of the graph.
bool is_product(const Written& write) {
  const GraphBuilder build = activated(write);
  const TrainedModel model = build.recognise();
  const auto is_node = [](const Node& node) { return node.kind == NodeKind::kProduct; };
  return std::any_of(model.nodes.begin(), model.nodes.end(), is_node) && proof_of(build) == "";
}

struct GeluConstants {
  float root = 1.4142135f, half = 0.5f, one = 1;
};

std::string gelu(GraphBuilder& b, const std::string& x, const GeluConstants& constants = {}) {
  const std::string erf = b.node("Erf", {b.node("Div", {x, b.scalar(constants.root)})});
  return b.node("Mul", {b.node("Mul", {x, b.node("Add", {erf, b.scalar(constants.one)})}), b.scalar(constants.half)});
}

std::string gelu_tanh(GraphBuilder& b, const std::string& x, float cubic = 0.044715f) {
  const std::string cube = b.node("Mul", {b.node("Pow", {x, b.scalar(3)}), b.scalar(cubic)});
  const std::string inner = b.node("Mul", {b.node("Add", {x, cube}), b.scalar(0.7978845608f)});
  const std::string sum = b.node("Add", {b.node("Tanh", {inner}), b.scalar(1)});
  return b.node("Mul", {b.node("Mul", {x, b.scalar(0.5f)}), sum});
}

std::string clip(GraphBuilder& b, const std::string& x, float lower, float upper) {
  return b.node("Clip", {x, b.scalar(lower), b.scalar(upper)});
}

std::string hard_swish(GraphBuilder& b, const std::string& x, float shift = 3, float upper = 6) {
  const std::string limited = clip(b, b.node("Add", {x, b.scalar(shift)}), 0, upper);
  return b.node("Div", {b.node("Mul", {x, limited}), b.scalar(6)});
}

std::string mish(GraphBuilder& b, const std::string& x, const std::string& of) {
  return b.node("Mul", {x, b.node("Tanh", {b.node("Softplus", {of})})});
}

std::string softplus_of_dynamo(GraphBuilder& b, const std::string& x, float sharpness, float threshold) {
  const std::string y = b.node("Mul", {x, b.scalar(sharpness)});
  const std::string soft =
      b.node("Div", {b.node("Log", {b.node("Add", {b.node("Exp", {y}), b.scalar(1)})}), b.scalar(sharpness)});
  return b.node("Where", {b.node("Greater", {y, b.scalar(threshold)}), x, soft});
}

}  // namespace

TEST_CASE("recognise: activations that are one node") {
  const auto one = [](const char* operation, std::map<std::string, OnnxAttribute> attributes = {}) {
    return found([=](GraphBuilder& b, const std::string& x) { return b.node(operation, {x}, attributes); });
  };
  CHECK(one("Celu", {{"alpha", GraphBuilder::real(1.5f)}}).kind == ActivationKind::kCelu);
  CHECK(one("Celu", {{"alpha", GraphBuilder::real(1.5f)}}).alpha == 1.5f);
  CHECK(one("Mish").kind == ActivationKind::kMish);
  CHECK(one("HardSwish").kind == ActivationKind::kHardSwish);
  CHECK(one("Softsign").kind == ActivationKind::kSoftsign);
  CHECK(one("Exp").kind == ActivationKind::kExp);
  const Activation hard_sigmoid = one("HardSigmoid");
  CHECK(hard_sigmoid.kind == ActivationKind::kHardSigmoid);
  CHECK(hard_sigmoid.alpha == 0.2f);  // ONNX's default, not torch's
  CHECK(hard_sigmoid.beta == 0.5f);
  const Activation threshold = one("ThresholdedRelu");
  CHECK(threshold.kind == ActivationKind::kThreshold);
  CHECK(threshold.alpha == 1);
  CHECK(threshold.beta == 0);
  const Activation swish = one("Swish", {{"alpha", GraphBuilder::real(1.702f)}});
  CHECK(swish.kind == ActivationKind::kSwish);
  CHECK(swish.alpha == 1.702f);
}

TEST_CASE("recognise: clip with bounds as inputs and as attributes") {
  const Activation relu6 = found([](GraphBuilder& b, const std::string& x) { return clip(b, x, 0, 6); });
  CHECK(relu6.kind == ActivationKind::kClamp);
  CHECK(relu6.alpha == 0);
  CHECK(relu6.beta == 6);
  GraphBuilder old(9);
  const std::string x = old.input("x", {0, 3});
  old.task(old.node("Clip", {old.linear(x, 3, 2)}, {{"min", GraphBuilder::real(-1)}, {"max", GraphBuilder::real(2)}}),
           2);
  const Activation limited = old.recognise().levels.at(0).experts.at(0).layers.at(0).activation;
  CHECK(limited.alpha == -1);
  CHECK(limited.beta == 2);
  CHECK(found([](GraphBuilder& b, const std::string& y) {
          return b.node("Clip", {y, b.scalar(0)});
        }).kind == ActivationKind::kRelu);
  CHECK_CONTAINS(activated([](GraphBuilder& b, const std::string& y) { return clip(b, y, 1, 0); }).error(),
                 "a lower bound above its upper bound");
}

TEST_CASE("recognise: activations that are written out") {
  const auto kind = [](const Written& write) { return found(write).kind; };
  using Builder = GraphBuilder;
  using Name = std::string;
  CHECK(kind([](Builder& b, const Name& x) { return gelu(b, x); }) == ActivationKind::kGelu);
  CHECK(kind([](Builder& b, const Name& x) { return gelu_tanh(b, x); }) == ActivationKind::kGeluTanh);
  CHECK(kind([](Builder& b, const Name& x) { return hard_swish(b, x); }) == ActivationKind::kHardSwish);
  CHECK(kind([](Builder& b, const Name& x) { return mish(b, x, x); }) == ActivationKind::kMish);
  CHECK(kind([](Builder& b, const Name& x) {
          return b.node("Mul", {b.node("Sigmoid", {x}), x});
        }) == ActivationKind::kSilu);
  CHECK(kind([](Builder& b, const Name& x) { return b.node("Log", {b.node("Sigmoid", {x})}); }) ==
        ActivationKind::kLogSigmoid);
  CHECK(kind([](Builder& b, const Name& x) {
          return b.node("Div", {x, b.node("Add", {b.node("Abs", {x}), b.scalar(1)})});
        }) == ActivationKind::kSoftsign);
  for (const char* operation : {"Pow", "Mul"}) {
    CAPTURE(operation);
    CHECK(kind([=](Builder& b, const Name& x) {
            const Name relu = b.node("Relu", {x});
            return b.node(operation, {relu, operation == Name("Pow") ? b.scalar(2) : relu});
          }) == ActivationKind::kSquaredRelu);
  }
  CHECK(kind([](Builder& b, const Name& x) { return b.node("Max", {x, b.scalar(0)}); }) == ActivationKind::kRelu);
  for (const bool upper_first : {false, true}) {
    const Activation clamp = found([=](Builder& b, const Name& x) {
      const Name one = b.node(upper_first ? "Min" : "Max", {x, b.scalar(upper_first ? 3.0f : -1.0f)});
      return b.node(upper_first ? "Max" : "Min", {one, b.scalar(upper_first ? -1.0f : 3.0f)});
    });
    CHECK(clamp.kind == ActivationKind::kClamp);
    CHECK(clamp.alpha == -1);
    CHECK(clamp.beta == 3);
  }
  // 1 / (1 + exp(-x))
  CHECK(kind([](Builder& b, const Name& x) {
          return b.node("Div", {b.scalar(1), b.node("Add", {b.node("Exp", {b.node("Neg", {x})}), b.scalar(1)})});
        }) == ActivationKind::kSigmoid);
}

TEST_CASE("recognise: written activations with a parameter") {
  using Builder = GraphBuilder;
  using Name = std::string;
  const Activation quick = found([](Builder& b, const Name& x) {
    return b.node("Mul", {x, b.node("Sigmoid", {b.node("Mul", {x, b.scalar(1.702f)})})});
  });
  CHECK(quick.kind == ActivationKind::kSwish);
  CHECK(quick.alpha == doctest::Approx(1.702));
  const Activation maxout = found([](Builder& b, const Name& x) {
    return b.node("Max", {x, b.node("Mul", {x, b.scalar(0.3f)})});
  });
  CHECK(maxout.kind == ActivationKind::kLeakyRelu);
  CHECK(maxout.alpha == doctest::Approx(0.3));
  const Activation absolute = found([](Builder& b, const Name& x) { return b.node("Abs", {x}); });
  CHECK(absolute.kind == ActivationKind::kLeakyRelu);
  CHECK(absolute.alpha == -1);
  const Activation threshold = found([](Builder& b, const Name& x) {
    return b.node("Where", {b.node("Greater", {x, b.scalar(0.2f)}), x, b.scalar(-0.5f)});
  });
  CHECK(threshold.kind == ActivationKind::kThreshold);
  CHECK(threshold.alpha == doctest::Approx(0.2));
  CHECK(threshold.beta == doctest::Approx(-0.5));
  const Activation elu = found([](Builder& b, const Name& x) {
    const Name below = b.node("Mul", {b.node("Sub", {b.node("Exp", {x}), b.scalar(1)}), b.scalar(0.7f)});
    return b.node("Where", {b.node("Greater", {x, b.scalar(0)}), x, below});
  });
  CHECK(elu.kind == ActivationKind::kElu);
  CHECK(elu.alpha == doctest::Approx(0.7));
  CHECK(found([](Builder& b, const Name& x) { return softplus_of_dynamo(b, x, 2.5f, 20); }).kind ==
        ActivationKind::kSoftplus);
}

TEST_CASE("recognise: look-alikes of activations are refused, or are products") {
  using Builder = GraphBuilder;
  using Name = std::string;
  CHECK(refused([](Builder& b, const Name& x) { return gelu(b, x, {1.41f, 0.5f, 1}); }));
  CHECK(refused([](Builder& b, const Name& x) { return gelu(b, x, {1.4142f, 0.5f, 1}); }));
  CHECK(refused([](Builder& b, const Name& x) { return gelu(b, x, {1.4142135f, 0.5f, 1.01f}); }));
  CHECK(is_product([](Builder& b, const Name& x) { return gelu_tanh(b, x, 0.0447f); }));
  CHECK(is_product([](Builder& b, const Name& x) { return hard_swish(b, x, 2.5f); }));
  CHECK(is_product([](Builder& b, const Name& x) { return hard_swish(b, x, 3, 5); }));
  CHECK(is_product([](Builder& b, const Name& x) { return mish(b, x, b.node("Mul", {x, b.scalar(1.1f)})); }));
  CHECK(refused([](Builder& b, const Name& x) { return softplus_of_dynamo(b, x, 1, 5); }));  // exp(-5) is no rounding
  CHECK(is_product([](Builder& b, const Name& x) {                                           // x sigmoid(x + 1/2)
    return b.node("Mul", {x, b.node("Sigmoid", {b.node("Add", {x, b.scalar(0.5f)})})});
  }));
  CHECK(is_product([](Builder& b, const Name& x) { return b.node("Pow", {x, b.scalar(2)}); }));
  CHECK(refused([](Builder& b, const Name& x) { return b.node("Pow", {b.node("Relu", {x}), b.scalar(2.5f)}); }));
  CHECK(refused([](Builder& b, const Name& x) {  // x / (1 + x^2)
    return b.node("Div", {x, b.node("Add", {b.node("Mul", {x, x}), b.scalar(1)})});
  }));
  CHECK(refused([](Builder& b, const Name& x) {  // log(2 + exp(x))
    return b.node("Log", {b.node("Add", {b.node("Exp", {x}), b.scalar(2)})});
  }));
  CHECK_CONTAINS(activated([](Builder& b, const Name& x) { return b.node("Erf", {x}); }).error(),
                 "(Erf): is no part of an activation that the runtime has");
}

TEST_CASE("recognise: the function is scaled to its factors and shifts") {
  // 2 relu(x + 1/2) - 1: the shift is the layer's, the rest the next layer's.
  const TrainedModel model = activated([](GraphBuilder& b, const std::string& x) {
                               const std::string relu = b.node("Relu", {b.node("Add", {x, b.scalar(0.5f)})});
                               return b.node("Sub", {b.node("Mul", {relu, b.scalar(2)}), b.scalar(1)});
                             }).recognise();
  const DenseLayer& layer = model.levels.at(0).experts.at(0).layers.at(0);
  CHECK(layer.activation.kind == ActivationKind::kRelu);
  REQUIRE(layer.norm_before_activation);
  CHECK(layer.norm_before_activation->beta[0] == 0.5f);
  REQUIRE(layer.norm_after_activation);
  CHECK(layer.norm_after_activation->gamma[0] == 2);
  CHECK(layer.norm_after_activation->beta[0] == -1);
}

TEST_CASE("recognise: an activation behind another one, without a layer between them") {
  const TrainedModel model = activated([](GraphBuilder& b, const std::string& x) {
                               return b.node("Tanh", {b.node("Relu", {x})});
                             }).recognise();
  const Mlp& layers = model.levels.at(0).experts.at(0).layers;
  REQUIRE(layers.size() == 2);
  CHECK(layers[0].activation.kind == ActivationKind::kRelu);
  CHECK(layers[1].activation.kind == ActivationKind::kTanh);
  CHECK(layers[1].weight.data == std::vector<float>{1, 0, 0, 1});
}

TEST_CASE("recognise: an activation behind biases, of which the same bounds differ from number to number") {
  GraphBuilder build;
  const std::string x = build.input("x", {0, 3});
  const std::string biased = build.node("Add", {build.node("MatMul", {x, build.weights({3, 4})}), build.weights({4})});
  const std::string above = build.node("Max", {biased, build.scalar(0)});
  build.model_of(build.node("Min", {above, build.scalar(6)}), 4);
  CHECK(build.error() == "");
  CHECK(proof_of(build) == "");
  GraphBuilder erfc;  // 0.5 x erfc(-x / sqrt(2))
  const std::string y = erfc.node("MatMul", {erfc.input("x", {0, 3}), erfc.weights({3, 4})});
  const std::string inner = erfc.node("Erfc", {erfc.node("Mul", {erfc.node("Neg", {y}), erfc.scalar(0.70710678f)})});
  erfc.model_of(erfc.node("Mul", {erfc.node("Mul", {y, erfc.scalar(0.5f)}), inner}), 4);
  CHECK(erfc.recognise().levels.at(0).experts.at(0).layers.at(0).activation.kind == ActivationKind::kGelu);
  CHECK(proof_of(erfc) == "");
}

}  // namespace mmoe::converter::testing
