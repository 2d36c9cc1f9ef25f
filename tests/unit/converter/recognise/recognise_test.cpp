#include "converter/recognise/recognise.h"

#include <algorithm>

#include "converter/model/architecture.h"
#include "tests/unit/converter/importers/weights_test_support.h"
#include "tests/unit/converter/recognise/graph_builder.h"

namespace mmoe::converter::testing {
namespace {

OnnxGraph fixture_graph(const std::string& file) {
  const std::string path = fixture_path("../onnx/" + file);
  const std::string bytes = fixture_bytes("../onnx/" + file);
  return parse_onnx(path, bytes);
}

TrainedModel recognised(const OnnxGraph& graph) {
  std::vector<std::string> notes;
  return recognise(graph, "test", notes);
}

/// x [batch, 3]; experts of width 2; the gate mixes `order` of them.
GraphBuilder mixture(const std::vector<size_t>& order) {
  GraphBuilder build;
  const std::string x = build.input("x", {0, 3});
  std::vector<std::string> experts, mixed;
  for (size_t i = 0; i < 3; ++i) experts.push_back(build.expert(x, 3, 2, static_cast<float>(i + 1)));
  for (const size_t i : order) mixed.push_back(experts[i]);
  const std::string gate = build.softmax(build.linear(x, 3, order.size()));
  build.task(build.mix(gate, build.stack(mixed)), 2);
  return build;
}

}  // namespace

TEST_CASE("recognise: exported models by their names in the paper") {
  const auto architecture = [](const char* file) { return architecture_name(recognised(fixture_graph(file))); };
  for (const char* file : {"mmoe_einsum.onnx", "mmoe_bmm.onnx", "mmoe_add.onnx", "rechub_mmoe.onnx"}) {
    CAPTURE(file);
    CHECK(architecture(file) == "MMoE");
  }
  for (const char* file : {"omoe_sum.onnx", "omoe_matmul.onnx"}) CHECK(architecture(file) == "OMoE");
  for (const char* file : {"ple_matmul.onnx", "ple_einsum.onnx", "rechub_ple.onnx"}) CHECK(architecture(file) == "PLE");
  for (const char* file : {"shared_bottom.onnx", "shared_bottom_fixed.onnx", "rechub_shared_bottom.onnx"}) {
    CHECK(architecture(file) == "Shared-Bottom");
  }
  for (const char* file : {"fused.onnx", "fused_dynamo.onnx"}) CHECK(architecture(file) == "MMoE on a shared trunk");
}

TEST_CASE("recognise: names of nodes and tensors play no part") {
  OnnxGraph graph = fixture_graph("ple_matmul.onnx");
  const TrainedModel before = recognised(graph);
  std::map<std::string, std::string> renamed;
  const auto rename = [&](std::string& name) {
    if (!name.empty()) name = renamed.emplace(name, "n" + std::to_string(renamed.size())).first->second;
  };
  std::map<std::string, std::shared_ptr<const OnnxTensor>> initializers;
  for (auto& [name, tensor] : graph.initializers) {
    std::string fresh = name;
    rename(fresh);
    initializers[fresh] = tensor;
  }
  graph.initializers = initializers;
  for (OnnxValue& value : graph.inputs) rename(value.name);
  for (OnnxNode& node : graph.nodes) {
    node.name.clear();
    std::for_each(node.inputs.begin(), node.inputs.end(), rename);
    std::for_each(node.outputs.begin(), node.outputs.end(), rename);
  }
  for (OnnxValue& value : graph.outputs) rename(value.name);
  const TrainedModel after = recognised(graph);
  REQUIRE(after.levels.size() == 2);
  CHECK(after.levels[0].gates.size() == 3);
  CHECK(after.levels[0].experts.size() == 6);
  for (size_t level = 0; level < 2; ++level) {
    for (size_t gate = 0; gate < after.levels[level].gates.size(); ++gate) {
      CHECK(after.levels[level].gates[gate].experts == before.levels[level].gates[gate].experts);
      CHECK(after.levels[level].gates[gate].logits->weight.data ==
            before.levels[level].gates[gate].logits->weight.data);
    }
  }
}

TEST_CASE("recognise: a gate lists its experts in the order of its logits") {
  const auto first_weight_of = [](const TrainedModel& model, size_t logit) {
    return model.levels[0].experts[model.levels[0].gates[0].experts[logit]].layers[0].weight.data[0];
  };
  const TrainedModel model = mixture({2, 0, 1}).recognise();
  CHECK(first_weight_of(model, 0) == 3);
  CHECK(first_weight_of(model, 1) == 1);
  CHECK(first_weight_of(model, 2) == 2);
  CHECK(model.levels[0].experts.size() == 3);
  CHECK(mixture({1, 1}).recognise().levels[0].experts.size() == 1);  // one expert with two weights
}

TEST_CASE("recognise: features, ids and shared tables of torch-rechub") {
  const TrainedModel model = recognised(fixture_graph("rechub_mmoe.onnx"));
  REQUIRE(model.features.size() == 5);
  std::string names;
  for (const Feature& feature : model.features) names += feature.name + " ";
  CHECK(names == "city price age last_city score ");
  CHECK(model.input_dim == 14);
  REQUIRE(model.embeddings.size() == 2);
  const auto& city = std::get<SparseFeature>(model.features[0].kind);
  CHECK(city.vocabulary.identity);
  CHECK(city.vocabulary.size == 7);
  CHECK(std::get<SparseFeature>(model.features[3].kind).embedding == city.embedding);
  CHECK(std::holds_alternative<DenseFeature>(model.features[1].kind));
}

TEST_CASE("recognise: columns of one matrix as numbers and as ids") {
  GraphBuilder build;
  const std::string x = build.input("x", {0, 3});
  const std::string number = build.node("Slice", {x, build.integers({0}), build.integers({2}), build.integers({1})});
  const std::string id = build.node("Gather", {x, build.integers({2})}, {{"axis", GraphBuilder::integer(1)}});
  const std::string whole = build.node("Cast", {id}, {{"to", GraphBuilder::integer(7)}});
  const std::string embedded = build.node("Gather", {build.floats({5, 4}), whole});
  const std::string flat = build.node("Flatten", {embedded});
  const std::string joined = build.node("Concat", {flat, number}, {{"axis", GraphBuilder::integer(1)}});
  build.task(build.expert(joined, 6, 2), 2);
  const TrainedModel model = build.recognise();
  REQUIRE(model.features.size() == 3);
  CHECK(model.features[0].name == "x.0");
  CHECK(model.features[2].name == "x.2");
  CHECK(model.features[2].width == 4);
  // The layer read the embedding first; x has the numbers first.
  const Matrix& weight = model.levels[0].experts[0].layers[0].weight;
  CHECK(weight.at(0, 0) == 0.25f + 0.25f * 8);
  CHECK(weight.at(0, 2) == 0.25f);
}

TEST_CASE("recognise: fields packed into one table by shifts") {
  GraphBuilder build;
  const std::string ids = build.input("ids", {0, 3}, true);
  const std::string shifted = build.node("Add", {ids, build.integers({0, 5, 7})});
  const std::string embedded = build.node("Gather", {build.floats({10, 2}), shifted});
  build.task(build.expert(build.node("Flatten", {embedded}), 6, 2), 2);
  const TrainedModel model = build.recognise();
  REQUIRE(model.features.size() == 3);
  REQUIRE(model.embeddings.size() == 3);
  const auto table = [&](size_t feature) {
    return model.embeddings[std::get<SparseFeature>(model.features[feature].kind).embedding].table;
  };
  CHECK(table(0).rows == 5);
  CHECK(table(1).rows == 2);
  CHECK(table(2).rows == 3);
  CHECK(table(1).at(0, 0) == 0.25f + 0.25f * 10);
  CHECK(std::get<SparseFeature>(model.features[1].kind).vocabulary.size == 2);

  GraphBuilder beyond;
  const std::string far = beyond.node("Add", {beyond.input("ids", {0, 1}, true), beyond.integers({10})});
  const std::string rows = beyond.node("Flatten", {beyond.node("Gather", {beyond.floats({10, 2}), far})});
  beyond.task(beyond.expert(rows, 2, 2), 2);
  CHECK_CONTAINS(beyond.error(), "looks the ids of 'ids' up beyond the end of its table");
}

TEST_CASE("recognise: the product of two tasks, and their order") {
  GraphBuilder build;
  const std::string x = build.input("x", {0, 3});
  const std::string click = build.node("Sigmoid", {build.linear(build.expert(x, 3, 2, 1), 2, 1)});
  const std::string convert = build.node("Sigmoid", {build.linear(build.expert(x, 3, 2, 2), 2, 1)});
  build.output(click);
  build.output(convert);
  build.output(build.node("Mul", {click, convert}));
  const TrainedModel model = build.recognise();
  REQUIRE(model.tasks.size() == 3);
  CHECK(model.tasks[2].link.factors == std::vector<size_t>{0, 1});
  CHECK(model.towers.size() == 2);
}

TEST_CASE("recognise: an input that nothing reads is noted") {
  GraphBuilder build = mixture({0, 1, 2});
  build.input("stray", {0, 1});
  std::vector<std::string> notes;
  recognise(build.graph, "test", notes);
  CHECK(notes == std::vector<std::string>{"input 'stray' is not read"});
}

TEST_CASE("recognise: says at which node it stopped and why") {
  const auto stops = [](const GraphBuilder& build, const std::string& where, const std::string& why) {
    CHECK_CONTAINS(build.error(), "not recognised: stopped at " + where);
    CHECK_CONTAINS(build.error(), why);
  };
  GraphBuilder unknown;
  unknown.output(unknown.node("Gridded", {unknown.linear(unknown.input("x", {0, 3}), 3, 2)}));
  unknown.graph.nodes[1].name = "/rnn";
  stops(unknown, "node 1 '/rnn' (Gridded)", "this operation is not supported");

  GraphBuilder recurrent;
  recurrent.output(recurrent.node("LSTM", {recurrent.linear(recurrent.input("x", {0, 3}), 3, 2)}));
  stops(recurrent, "node 1 (LSTM)", "is a recurrent layer, which a model file does not have");

  GraphBuilder divided;  // an expert by another
  const std::string x = divided.input("x", {0, 3});
  divided.task(divided.node("Div", {divided.expert(x, 3, 2, 1), divided.expert(x, 3, 2, 2)}), 2);
  stops(divided, "node 4 (Div)", "is no part of an activation that the runtime has");

  GraphBuilder partly;  // a softmax over three of which two weigh something
  const std::string input = partly.input("x", {0, 3});
  const std::string gate = partly.softmax(partly.linear(input, 3, 3));
  const std::string two =
      partly.node("Slice", {gate, partly.integers({0}), partly.integers({2}), partly.integers({1})});
  partly.task(partly.mix(two, partly.stack({partly.expert(input, 3, 2), partly.expert(input, 3, 2, 3)})), 2);
  CHECK(partly.recognise().levels[0].gates[0].weight_scales == std::vector<float>{1, 1, 0});

  GraphBuilder linear;
  linear.task(linear.input("x", {0, 3}), 3);
  CHECK(linear.recognise().levels.at(0).experts.size() == 1);  // a regression

  GraphBuilder dangling;
  dangling.input("x", {0, 3});
  dangling.output(dangling.node("Relu", {"nowhere"}));
  stops(dangling, "node 0 (Relu)", "'nowhere', which no node before it gives");
}

TEST_CASE("recognise: what a node must not do to the batch") {
  const auto error_of_node = [](const std::string& operation, const std::vector<int64_t>& list,
                                std::map<std::string, OnnxAttribute> attributes = {}) {
    GraphBuilder build;
    std::vector<std::string> inputs = {build.input("x", {0, 4})};
    if (!list.empty()) inputs.push_back(build.integers(list));
    build.task(build.expert(build.node(operation, inputs, std::move(attributes)), 4, 2), 2);
    return build.error();
  };
  CHECK_CONTAINS(error_of_node("Reshape", {2, 2}), "mixes the batch with other axes of [batch, 4]");
  CHECK_CONTAINS(error_of_node("Reshape", {-1, 3}), "batch");
  CHECK_CONTAINS(error_of_node("ReduceSum", {0}), "reduces the batch");
  CHECK_CONTAINS(error_of_node("Gather", {0}), "works along the batch");
  CHECK_CONTAINS(error_of_node("Softmax", {}, {{"axis", GraphBuilder::integer(0)}}), "a softmax over the batch");
  CHECK_CONTAINS(error_of_node("Squeeze", {0}), "not of size 1");
  CHECK_CONTAINS(error_of_node("Unsqueeze", {7}), "axis 7 of a tensor with 3 axes");
  CHECK_CONTAINS(error_of_node("Cast", {}, {{"to", GraphBuilder::integer(7)}}), "whole numbers");
  CHECK_CONTAINS(error_of_node("Reshape", {0, 2, 2}), "");
}

TEST_CASE("recognise: a graph that would grow without end is refused") {
  const auto refused = [](const std::string& operation, const std::vector<int64_t>& list) {
    GraphBuilder build;
    const std::string x = build.input("x", {0, 4});
    const std::vector<std::string> inputs = operation == "Expand" ? std::vector<std::string>{x, build.integers(list)}
                                                                  : std::vector<std::string>{build.integers(list)};
    build.task(build.expert(build.node(operation, inputs), 4, 2), 2);
    return build.error();
  };
  CHECK_CONTAINS(refused("Expand", {1 << 20, 1 << 20, 1, 4}), "more than 2^26 elements");
  CHECK_CONTAINS(refused("ConstantOfShape", {1 << 20, 1 << 20}), "more than 2^26 elements");
  GraphBuilder doubling;
  std::string x = doubling.input("x", {0, 4});
  for (int i = 0; i < 40; ++i) x = doubling.node("Concat", {x, x}, {{"axis", GraphBuilder::integer(1)}});
  doubling.task(x, 4);
  CHECK_CONTAINS(doubling.error(), "numbers per row, the most for a file of its size");
  GraphBuilder sums;  // each sum has twice the terms of the one before
  const std::string input = sums.input("x", {0, 4});
  std::string left = sums.expert(input, 4, 2), right = sums.expert(input, 4, 2, 3);
  for (int i = 0; i < 40; ++i) {
    const std::string sum = sums.node("Add", {left, right});
    right = sums.node("Sub", {left, right});
    left = sum;
  }
  sums.task(left, 2);
  CHECK(sums.recognise().nodes.size() <= 120);
}

TEST_CASE("recognise: columns in reverse order, as torch.flip is written") {
  GraphBuilder build;
  const std::string x = build.input("x", {0, 2});
  constexpr int64_t kBeforeFirst = -std::numeric_limits<int64_t>::max();
  const std::string turned = build.node(
      "Slice", {x, build.integers({-1}), build.integers({kBeforeFirst}), build.integers({1}), build.integers({-1})});
  build.task(build.node("Relu", {build.node("MatMul", {turned, build.values({2, 4}, {2, 1})})}), 1);
  CHECK(build.recognise().levels.at(0).experts.at(0).layers.at(0).weight.data == std::vector<float>{4, 2});
}

TEST_CASE("recognise: weights that are not finite are refused by name") {
  GraphBuilder build;
  const std::string x = build.input("x", {0, 3});
  build.task(build.expert(x, 3, 2, std::numeric_limits<float>::infinity()), 2);
  CHECK_CONTAINS(build.error(), "the constant 'c0' has an element that is not finite");
}

}  // namespace mmoe::converter::testing
