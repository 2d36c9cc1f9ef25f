#include "tests/unit/converter/importers/weights_test_support.h"
#include "tests/unit/converter/proof/proof_test_support.h"

namespace mmoe::converter::testing {
namespace {

GraphBuilder small_model() {
  GraphBuilder build;
  build.model_of(build.input("x", {0, 4}), 4);
  return build;
}

std::string error_of_proof(const GraphBuilder& build, const TrainedModel& model) {
  return error_of([&] { prove(build.graph, model, convert(model, {}).file, 5); });
}

}  // namespace

TEST_CASE("prove: a file that computes what the graph does") {
  const GraphBuilder build = small_model();
  const TrainedModel model = build.recognise();
  const ProofReport report = prove(build.graph, model, convert(model, {}).file, 5);
  CHECK(report.num_rows == 64);  // tanh keeps everything small
  CHECK(report.largest_difference > 0);
  CHECK(report.largest_difference < 1e-6);
  CHECK(report.matched_by == "name");
}

TEST_CASE("prove: a model that was recognised wrongly is refused, however small the fault") {
  const GraphBuilder build = small_model();
  TrainedModel model = build.recognise();
  model.levels[0].experts[0].layers[0].weight.data[5] += 1e-4f;  // as half precision would
  CHECK_CONTAINS(error_of_proof(build, model), "does not compute what the graph computes: task 'v3', random row ");

  model = build.recognise();
  model.levels[0].experts[0].layers[0].activation.kind = ActivationKind::kRelu;
  CHECK_CONTAINS(error_of_proof(build, model), "the graph gives ");

  GraphBuilder half = small_model();  // the graph rounds, the description does not
  for (OnnxNode& node : half.graph.nodes) {
    if (node.operation != "Tanh") continue;
    OnnxNode cast;
    cast.operation = "Cast";
    cast.attributes["to"].integer = 10;
    cast.inputs = {node.inputs[0]};
    cast.outputs = {"half"};
    node.inputs[0] = "half";
    half.graph.nodes.insert(half.graph.nodes.begin() + 1, cast);
    break;
  }
  CHECK_CONTAINS(error_of_proof(half, build.recognise()), "float rounding explains at most");
}

// Each task's comparison of the length is looked up in a table of its own, of 2 and of 5 rows, beyond which it is zero.
TEST_CASE("prove: a fault beyond the rows of the smallest table of an id is found") {
  GraphBuilder build;
  const std::string x = build.input("x", {0, 3});
  const std::string length = build.node("Unsqueeze", {build.input("length", {0}, true), build.integers({1})});
  for (const int64_t limit : {1, 4}) {
    const std::string longer = build.node("Less", {build.integers({1, 1}, {limit}), length});
    const std::string mask = build.node("Cast", {longer}, {{"to", GraphBuilder::integer(1)}});
    build.model_of(build.node("Mul", {x, mask}), 3);
  }
  CHECK(proof_of(build) == "");
  TrainedModel model = build.recognise();
  size_t faults = 0;
  for (Embedding& embedding : model.embeddings) {
    Table& table = embedding.table;
    if (table.rows < 3) continue;
    std::vector<float> data(table.rows * table.cols);
    table.read(0, table.rows, data.data());
    for (size_t column = 0; column < table.cols; ++column) data[data.size() - 1 - column] += 0.5f;
    table = Table(table.rows, table.cols, data);
    ++faults;
  }
  REQUIRE(faults > 0);
  CHECK_CONTAINS(error_of_proof(build, model), "does not compute what the graph computes");
}

TEST_CASE("prove: tasks find their outputs by name, else by order, else not at all") {
  GraphBuilder build;
  const std::string x = build.input("x", {0, 4});
  build.model_of(x, 4);
  build.model_of(x, 4);
  TrainedModel model = build.recognise();
  std::swap(model.tasks[0], model.tasks[1]);
  CHECK(prove(build.graph, model, convert(model, {}).file, 5).matched_by == "name");
  model.tasks[0].name = "renamed";
  CHECK_CONTAINS(error_of_proof(build, model), "task 'renamed'");  // by order, and that is another one
  std::swap(model.tasks[0], model.tasks[1]);
  CHECK(prove(build.graph, model, convert(model, {}).file, 5).matched_by == "order");
  build.graph.outputs.push_back(build.graph.outputs[0]);
  CHECK_CONTAINS(prove(build.graph, model, convert(model, {}).file, 5).why_not, "not named after the graph's outputs");
}

TEST_CASE("prove: what cannot be compared is said") {
  const auto why_not = [](const GraphBuilder& build, const TrainedModel& model) {
    return prove(build.graph, model, convert(model, {}).file, 5).why_not;
  };
  GraphBuilder build = small_model();
  const TrainedModel model = build.recognise();
  build.graph.nodes[1].operation = "Sin";
  CHECK_CONTAINS(why_not(build, model), "node 1 (Sin)");
  build = small_model();
  build.graph.inputs[0].shape = {0, 5};
  CHECK_CONTAINS(why_not(build, model), "another number of columns");
  build.graph.inputs[0].shape = {4096, 4};
  CHECK_CONTAINS(why_not(build, model), "the graph's batch is fixed at 4096");
  build.graph.inputs[0].shape = {5, 4};
  CHECK(prove(build.graph, model, convert(model, {}).file, 5).num_rows == 65);
}

TEST_CASE("prove: bounds that ordinary rows do not reach") {
  const auto model_with_bound = [](float bound) {
    GraphBuilder build;
    const std::string x = build.input("x", {0, 4});
    const std::string bounded = build.node("Clip", {x, build.scalar(-bound), build.scalar(bound)});
    // Small enough not to saturate.
    const std::string narrow = build.node("Mul", {bounded, build.scalar(1e-3f)});
    build.model_of(narrow, 4);
    return build;
  };
  const GraphBuilder build = model_with_bound(100);
  CHECK(error_of_proof(build, build.recognise()).empty());
  CHECK_CONTAINS(error_of_proof(build, model_with_bound(90).recognise()), "does not compute what the graph computes");
}

TEST_CASE("prove: one id of many that the graph treats in a way of its own") {
  const auto pooled = [](int64_t padding) {
    GraphBuilder build;
    const std::string ids = build.input("ids", {0, 4}, true);
    const std::string embedded = build.node("Gather", {build.weights({5000, 2}), ids});
    const std::string other = build.node("Not", {build.node("Equal", {ids, build.integers({padding})})});
    const std::string mask = build.node("Cast", {other}, {{"to", GraphBuilder::integer(1)}});
    const std::string masked = build.node("Mul", {embedded, build.node("Unsqueeze", {mask, build.integers({2})})});
    const std::string sum =
        build.node("ReduceSum", {masked, build.integers({1})}, {{"keepdims", GraphBuilder::integer(0)}});
    build.model_of(sum, 2);
    return build;
  };
  const GraphBuilder build = pooled(4321);
  TrainedModel model = build.recognise();
  CHECK(error_of_proof(build, model).empty());
  std::get<SequenceFeature>(model.features.at(0).kind).padding_id = 4320;
  CHECK_CONTAINS(error_of_proof(build, model), "does not compute what the graph computes");
  std::get<SequenceFeature>(model.features.at(0).kind).padding_id.reset();
  CHECK_CONTAINS(error_of_proof(build, model), "does not compute what the graph computes");
}

TEST_CASE("prove: a comparison that allows anything proves nothing") {
  GraphBuilder build;
  const std::string x = build.input("x", {0, 4});
  const std::string expert = build.node("Tanh", {build.node("MatMul", {x, build.weights({4, 3})})});
  const std::string logit = build.node("MatMul", {expert, build.weights({3, 1})});
  // Far above the largest float on every row.
  build.output(build.node("Exp", {build.node("Add", {logit, build.scalar(200)})}));
  const TrainedModel model = build.recognise();
  ConvertOptions without_check;
  without_check.num_golden_rows = 0;
  const ProofReport report = prove(build.graph, model, convert(model, {}, without_check).file, 5);
  CHECK(report.num_rows == 0);
  CHECK_CONTAINS(report.why_not, "float rounding may change task");
}

TEST_CASE("prove: features are the inputs of their names, or their columns") {
  GraphBuilder build;
  const std::string x = build.input("x", {0, 3});
  const std::string ids = build.input("ids", {0, 2}, true);
  const std::string embedded = build.node("Flatten", {build.node("Gather", {build.weights({7, 2}), ids})});
  build.model_of(build.node("Concat", {embedded, x}, {{"axis", GraphBuilder::integer(1)}}), 7);
  TrainedModel model = build.recognise();
  CHECK(prove(build.graph, model, convert(model, {}).file, 5, Features::kOfDescription).num_rows == 64);
  std::get<DenseFeature>(model.features[0].kind).scaling.offset = 1;
  CHECK_CONTAINS(prove(build.graph, model, convert(model, {}).file, 5, Features::kOfDescription).why_not,
                 "'x' is scaled before the graph gets it");
  model.features[0].name = "elsewhere";
  CHECK_CONTAINS(prove(build.graph, model, convert(model, {}).file, 5, Features::kOfDescription).why_not, "scaled");
  std::get<DenseFeature>(model.features[0].kind).scaling.offset = 0;
  CHECK_CONTAINS(prove(build.graph, model, convert(model, {}).file, 5, Features::kOfDescription).why_not,
                 "'elsewhere' is no input of the graph");
}

}  // namespace mmoe::converter::testing
