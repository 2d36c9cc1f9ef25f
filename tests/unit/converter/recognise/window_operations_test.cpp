// Convolutions, pooling, and what lies around a tensor's elements.
#include "tests/unit/converter/importers/weights_test_support.h"
#include "tests/unit/converter/proof/proof_test_support.h"

namespace mmoe::converter::testing {
namespace {

using Attributes = std::map<std::string, OnnxAttribute>;

/// x [batch, 4 channels, 5].
struct Channels {
  GraphBuilder build;
  std::string x = build.input("x", {0, 4, 5});

  void check(const std::string& of, uint64_t width) {
    build.model_of(build.node("Flatten", {of}), width);
    CHECK(build.error() == "");
    CHECK(proof_of(build) == "");
  }
  std::string error(const std::string& of, uint64_t width) {
    build.model_of(build.node("Flatten", {of}), width);
    return build.error();
  }
};

}  // namespace

TEST_CASE("windows: a convolution is a layer at every place") {
  Channels pointwise;
  pointwise.check(
      pointwise.build.node("Conv", {pointwise.x, pointwise.build.weights({3, 4, 1}), pointwise.build.weights({3})},
                           {{"kernel_shape", GraphBuilder::list({1})}}),
      15);
  Channels wide;  // with pads, steps and gaps: places 0 and 3 of [-1, ..., 6)
  wide.check(wide.build.node("Conv", {wide.x, wide.build.weights({2, 4, 2}), wide.build.weights({2})},
                             {{"pads", GraphBuilder::list({1, 1})},
                              {"strides", GraphBuilder::list({3})},
                              {"dilations", GraphBuilder::list({2})}}),
             4);
  Channels grouped;
  grouped.check(
      grouped.build.node("Conv", {grouped.x, grouped.build.weights({6, 2, 3})}, {{"group", GraphBuilder::integer(2)}}),
      18);
  GraphBuilder build;  // of two axes
  const std::string image = build.input("x", {0, 1, 4, 3});
  const std::string made = build.node("Conv", {image, build.weights({2, 1, 2, 3}), build.weights({2})});
  build.model_of(build.node("Flatten", {build.node("Relu", {made})}), 6);
  CHECK(proof_of(build) == "");
}

TEST_CASE("windows: the largest and the mean") {
  Channels largest;
  largest.check(largest.build.node("MaxPool", {largest.x},
                                   {{"kernel_shape", GraphBuilder::list({3})}, {"strides", GraphBuilder::list({2})}}),
                8);
  Channels all;
  all.check(all.build.node("GlobalMaxPool", {all.x}), 4);
  Channels mean;
  mean.check(mean.build.node("GlobalAveragePool", {mean.x}), 4);
}

TEST_CASE("windows: what is not followed is refused") {
  Channels padded;
  CHECK(padded
            .error(padded.build.node("Conv", {padded.x, padded.build.weights({3, 4, 3})},
                                     {{"auto_pad", GraphBuilder::text("SAME_UPPER")}}),
                   15)
            .find("pads by itself") != std::string::npos);
  Channels large;
  CHECK(large.error(large.build.node("Conv", {large.x, large.build.weights({3, 4, 7})}), 3)
            .find("larger than its input") != std::string::npos);
  Channels other;
  CHECK(other.error(other.build.node("Conv", {other.x, other.build.weights({3, 3, 1})}), 15)
            .find("has a kernel that does not fit") != std::string::npos);
  Channels beyond;
  CHECK(beyond
            .error(
                beyond.build.node("MaxPool", {beyond.x},
                                  {{"kernel_shape", GraphBuilder::list({2})}, {"ceil_mode", GraphBuilder::integer(1)}}),
                12)
            .find("ceil_mode") != std::string::npos);
}

TEST_CASE("windows: constants around a tensor, and in a triangle of it") {
  GraphBuilder padded;
  const std::string x = padded.input("x", {0, 3});
  padded.model_of(padded.node("Pad", {x, padded.integers({0, 1, 0, 2}), padded.scalar(0.5f)}), 6);
  CHECK(proof_of(padded) == "");
  GraphBuilder cut;  // a negative pad takes away
  cut.model_of(cut.node("Pad", {cut.input("x", {0, 3}), cut.integers({0, -1, 0, 0})}), 2);
  CHECK(proof_of(cut) == "");
  GraphBuilder batch;
  batch.model_of(batch.node("Pad", {batch.input("x", {0, 3}), batch.integers({1, 0, 0, 0})}), 3);
  CHECK(batch.error().find("pads the batch") != std::string::npos);
  GraphBuilder mirrored;
  mirrored.model_of(mirrored.node("Pad", {mirrored.input("x", {0, 3}), mirrored.integers({0, 1, 0, 1})},
                                  {{"mode", GraphBuilder::text("reflect")}}),
                    5);
  CHECK(mirrored.error().find("repeats elements") != std::string::npos);
  for (const int64_t upper : {0, 1}) {
    GraphBuilder triangle;
    const std::string square = triangle.input("x", {0, 3, 3});
    const std::string part =
        triangle.node("Trilu", {square, triangle.integers({}, {upper})}, {{"upper", GraphBuilder::integer(upper)}});
    triangle.model_of(triangle.node("Flatten", {part}), 9);
    CHECK(proof_of(triangle) == "");
  }
}

TEST_CASE("windows: products over an axis") {
  GraphBuilder build;
  const std::string x = build.input("x", {0, 4, 3});
  build.model_of(
      build.node("ReduceProd", {x}, {{"axes", GraphBuilder::list({2})}, {"keepdims", GraphBuilder::integer(0)}}), 4);
  CHECK(proof_of(build) == "");
}

TEST_CASE("recognise: running sums") {
  for (const int64_t exclusive : {0, 1}) {
    for (const int64_t reverse : {0, 1}) {
      CAPTURE(exclusive);
      CAPTURE(reverse);
      GraphBuilder build;
      const std::string x =
          build.node("Tanh", {build.node("MatMul", {build.input("x", {0, 3}), build.weights({3, 4})})});
      build.model_of(
          build.node("CumSum", {x, build.integers({}, {1})},
                     {{"exclusive", GraphBuilder::integer(exclusive)}, {"reverse", GraphBuilder::integer(reverse)}}),
          4);
      CHECK(proof_of(build) == "");
    }
  }
  GraphBuilder batch;
  batch.model_of(batch.node("CumSum", {batch.input("x", {0, 3}), batch.integers({}, {0})}), 3);
  CHECK(batch.error().find("sums over the batch") != std::string::npos);
}

TEST_CASE("recognise: an equation with dots") {
  const auto mixed = [](const std::string& equation) {
    GraphBuilder build;
    const std::string x = build.input("x", {0, 3});
    const std::string gate = build.softmax(build.node("MatMul", {x, build.weights({3, 2})}));
    const std::string experts = build.stack({build.node("Tanh", {build.node("MatMul", {x, build.weights({3, 4})})}),
                                             build.node("Tanh", {build.node("MatMul", {x, build.weights({3, 4})})})});
    build.model_of(build.node("Einsum", {gate, experts}, {{"equation", GraphBuilder::text(equation)}}), 4);
    return proof_of(build);
  };
  CHECK(mixed("...e,...eh->...h") == "");
  CHECK(mixed("...e,...eh->h").find("sums over the batch") != std::string::npos);
}

TEST_CASE("recognise: scores of a model that saw a part of the negatives") {
  const auto corrected = [](float rate, float one) {
    GraphBuilder build;
    const std::string hidden =
        build.node("Tanh", {build.node("MatMul", {build.input("x", {0, 3}), build.weights({3, 4})})});
    const std::string p = build.node("Sigmoid", {build.node("MatMul", {hidden, build.weights({4, 1})})});
    const std::string others = build.node("Div", {build.node("Sub", {build.scalar(one), p}), build.scalar(rate)});
    build.output(build.node("Div", {p, build.node("Add", {p, others})}));
    return proof_of(build);
  };
  CHECK(corrected(0.05f, 1) == "");
  CHECK(corrected(3, 1) == "");
  // p / (p + (0.9 - p) / r) has a place where it is infinite.
  CHECK(corrected(0.05f, 0.9f).find("not recognised") != std::string::npos);
}

}  // namespace mmoe::converter::testing
