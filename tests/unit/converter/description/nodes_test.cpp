// `nodes`: MLPs and operations beside the levels.
#include "converter/description/bind.h"

#include <doctest/doctest.h>
#include <cmath>

#include "tests/unit/converter/description/memory_weights.h"

namespace mmoe::converter {
namespace {

using test::bind_error;
using test::contains;
using test::MemoryWeights;
using test::replaced;

// Two tasks, x of six columns in two fields.
constexpr const char* kNodes = R"({"mmoe_description": 1, "input_dim": 6,
  "nodes": [
    {"name": "deep", "layers": "deep.{layer}", "reads": "input", "activation": "relu"},
    {"name": "cross", "product": ["input", "deep", "one"], "scale": 2},
    {"name": "second", "bi_interaction": [{"first": 0, "count": 3}, {"first": 3, "count": 3}]}],
  "levels": [{
    "experts": {"layers": "experts.{expert}", "activation": "relu", "reads": ["cross", "second"]},
    "gates": {"logits": "gates.{task}", "reads": "second"},
    "nodes": [
      {"name": "{task}.h", "layers": "heads.{task}", "activation": "relu", "reads": ["gates", {"node": "second", "first": 1, "count": 2}]},
      {"name": "{task}.sum", "sum": ["{task}.h", "gates", "click.h"], "constant": "shift", "activation": "tanh"}]}],
  "towers": {"layers": "towers.{task}", "reads": "{task}.sum"},
  "tasks": [{"name": "click", "link": "sigmoid"}, {"name": "like", "link": "sigmoid"}]})";

// "one" is a second MLP, put in front of its reader.
std::string described() {
  return replaced(kNodes, R"(    {"name": "cross")",
                  R"(    {"name": "one", "layers": "one", "reads": "deep", "activation": "linear"},
    {"name": "cross")");
}

MemoryWeights node_weights() {
  MemoryWeights weights;
  weights.linear("deep.0", 4, 6)
      .linear("deep.1", 6, 4)
      .linear("one", 1, 6)
      .linear("experts.0", 5, 9)
      .linear("experts.1", 5, 9);
  for (const char* task : {"click", "like"}) {
    weights.linear(std::string("gates.") + task, 2, 3).linear(std::string("heads.") + task, 5, 7);
    weights.linear(std::string("towers.") + task, 1, 5);
  }
  return weights.add("shift", {5});
}

TrainedModel bound(const std::string& text, BindReport* report = nullptr) {
  return bind_description_text(text, node_weights(), "ranker", report, UnusedTensors::kRefuse);
}

std::string error(const std::string& from, const std::string& to) {
  return bind_error(replaced(described(), from, to), node_weights());
}

TEST_CASE("nodes: MLPs and operations, once or for each task, in their order") {
  const TrainedModel model = bound(described());
  REQUIRE(model.nodes.size() == 8);
  const std::vector<std::string> names = {"deep",    "one",    "cross",     "second",
                                          "click.h", "like.h", "click.sum", "like.sum"};
  for (size_t i = 0; i < names.size(); ++i) CHECK(model.nodes[i].name == names[i]);
  CHECK(model.nodes[0].input == input_stream());
  CHECK(model.nodes[0].layers.size() == 2);
  const Node& cross = model.nodes[2];
  CHECK(cross.kind == NodeKind::kProduct);
  CHECK(cross.scale == 2);
  CHECK(cross.width() == 6);
  CHECK(cross.inputs == std::vector<StreamRef>{input_stream(), {StreamSource::kNode, 0}, {StreamSource::kNode, 1}});
  const Node& second = model.nodes[3];
  CHECK(second.group == 3);
  CHECK(second.scale == 0.5f);
  CHECK(second.width() == 3);
  CHECK(model.nodes[5].level == 1);
  StreamRef beside;
  beside.parts = {{StreamSource::kPrevious, 1, {0, 5}}, {StreamSource::kNode, 3, {1, 2}}};
  CHECK(model.nodes[5].input == beside);
  CHECK(model.nodes[7].inputs == std::vector<StreamRef>{{StreamSource::kNode, 5}, 1, {StreamSource::kNode, 4}});
  CHECK(model.nodes[7].constant.size() == 5);
  CHECK(model.nodes[7].activation.kind == ActivationKind::kTanh);
  CHECK(model.levels[0].gates[1].input == StreamRef(StreamSource::kNode, 3));
  CHECK(model.towers[1].input == StreamRef(StreamSource::kNode, 7));
}

TEST_CASE("nodes: a tower without layers takes a node's numbers as logits") {
  MemoryWeights weights;
  weights.linear("deep", 1, 3);
  const std::string text = R"({"mmoe_description": 1, "input_dim": 3,
    "nodes": [{"name": "wide", "sum_within_groups": "input"},
              {"name": "deep", "layers": "deep", "reads": "input", "activation": "linear"},
              {"name": "logit", "sum": ["deep", "wide"]}],
    "towers": {"reads": "logit"}, "tasks": [{"name": "click", "link": "sigmoid"}]})";
  const TrainedModel model = bind_description_text(text, weights, "wide and deep", nullptr, UnusedTensors::kRefuse);
  CHECK(model.levels[0].experts[0].input == StreamRef(StreamSource::kNode, 2));
  CHECK(contains(bind_error(replaced(text, R"("reads": "logit")", R"("bias": "b")"), weights), "towers.bias"));
  CHECK(contains(bind_error(replaced(text, R"({"reads": "logit"})", "{}"), weights), "towers.reads: missing"));
}

// An item attends to a history of three.
constexpr const char* kAttention = R"({"mmoe_description": 1,
  "features": [
    {"name": "item", "kind": "categorical", "side": "item", "vocabulary": {"identity": 4}, "embedding": "table"},
    {"name": "seen", "kind": "sequence", "side": "user", "vocabulary": {"identity": 4}, "embedding": "table",
     "length": 3, "pooling": "none", "padding_id": 0}],
  "nodes": [{"name": "interest", "layers": "attention.{layer}", "activation": "sigmoid",
             "attention": {"query": "item", "sequences": "seen"}}],
  "towers": {"layers": "tower", "reads": ["item", "interest"]}, "tasks": [{"name": "click", "link": "sigmoid"}]})";

MemoryWeights attention_weights() {
  MemoryWeights weights;
  weights.add("table", {4, 2}).linear("attention.0", 5, 8).linear("attention.1", 1, 5).linear("tower", 1, 4);
  return weights;
}

TEST_CASE("nodes: attention to a sequence that is kept") {
  const TrainedModel model =
      bind_description_text(kAttention, attention_weights(), "din", nullptr, UnusedTensors::kRefuse);
  CHECK(model.features[1].width == 9);  // three embeddings of 2, and which of them there are
  CHECK(model.input_dim == 11);
  const Node& node = model.nodes[0];
  CHECK(node.kind == NodeKind::kAttention);
  CHECK(node.width() == 2);
  CHECK(node.attention.length == 3);
  CHECK(node.attention.masked);
  CHECK_FALSE(node.attention.softmax);
  CHECK(node.attention.terms.size() == 4);
  CHECK(node.layers.back().activation.kind == ActivationKind::kIdentity);
  CHECK(node.inputs == std::vector<StreamRef>{input_stream({{0, 2}}), input_stream({{2, 9}})});
}

TEST_CASE("nodes: what cannot be attended to is refused by name") {
  const auto error_of = [](const std::string& from, const std::string& to) {
    return bind_error(replaced(kAttention, from, to), attention_weights());
  };
  CHECK(contains(error_of(R"("pooling": "none")", R"("pooling": "mean")"),
                 "nodes[0].attention.sequences: found \"seen\""));
  CHECK(contains(error_of(R"("sequences": "seen")", R"("sequences": ["seen", "seen"])"),
                 "elements of 4 columns, but the query has 2"));
  CHECK(contains(error_of(R"("query": "item", )", ""), "nodes[0].attention.query: missing"));
  CHECK(contains(error_of(R"("query": "item")", R"("query": "seen")"), "elements of 2 columns, but the query has 9"));
  CHECK(contains(error_of(R"("sequences": "seen")", R"("sequences": "seen", "terms": ["query", "element"])"),
                 "attention.0"));
  CHECK(contains(error_of(R"("sequences": "seen")", R"("sequences": "seen", "terms": ["query", "query"])"),
                 "is there twice"));
  CHECK(contains(error_of(R"("sequences": "seen")", R"("sequences": "seen", "softmx": true)"), "softmx"));
  CHECK(contains(error_of(R"("attention.{layer}")", R"(["attention.0"])"), "at least two"));
  const auto error_with = [&](const char* more) {
    return error_of(R"("sequences": "seen")", std::string(R"("sequences": "seen", )") + more);
  };
  CHECK(contains(error_with(R"("mask": "item")"),
                 "nodes[0].attention.mask: found \"item\", expected a number for each of 3"));
  CHECK(contains(error_with(R"("mask": "nothing")"), "nodes[0].attention.mask"));
  CHECK(contains(error_with(R"("count": "item")"), "nodes[0].attention.count: found \"item\", expected one column"));
  CHECK(contains(error_with(R"("mask": true, "count": "item")"),
                 "nodes[0].attention.count: has no meaning beside `mask`"));
  CHECK(contains(error_with(R"("terms": ["outer"])"), "(5 outputs, 4 inputs)"));
}

TEST_CASE("nodes: an attention with a mask of its own reads a node that has it behind the elements") {
  const std::string text = replaced(kAttention, R"("sequences": "seen")",
                                    R"("sequences": "seen", "mask": {"feature": "seen", "part": "mask"})");
  const TrainedModel model = bind_description_text(text, attention_weights(), "din", nullptr, UnusedTensors::kRefuse);
  REQUIRE(model.nodes.size() == 2);
  CHECK(model.nodes[0].name == "interest elements");
  CHECK(model.nodes[0].kind == NodeKind::kSum);
  CHECK(model.nodes[0].width() == 9);
  CHECK(model.nodes[1].name == "interest");
  CHECK(model.nodes[1].inputs[1] == StreamRef(StreamSource::kNode, 0));
  CHECK(model.nodes[1].attention.length == 3);
  CHECK(model.nodes[1].attention.masked);
}

TEST_CASE("nodes: a number of elements is their mask") {
  std::string text = replaced(kAttention, R"("sequences": "seen")", R"("sequences": "seen", "count": "length")");
  text = replaced(text, R"("pooling": "none", "padding_id": 0})",
                  R"("pooling": "none"}, {"name": "length", "kind": "dense", "side": "user"})");
  const TrainedModel model = bind_description_text(text, attention_weights(), "din", nullptr, UnusedTensors::kRefuse);
  REQUIRE(model.nodes.size() == 3);
  const DenseLayer& mask = model.nodes[0].layers.front();
  CHECK(mask.weight.data == std::vector<float>{1, 1, 1});
  CHECK(mask.bias == std::vector<float>{0, -1, -2});
  CHECK(mask.activation.kind == ActivationKind::kRelu);
}

// Two fields of two columns; the first layer has four maps, of which the second reads two.
constexpr const char* kCompressed = R"({"mmoe_description": 1, "input_dim": 4,
  "nodes": [{"name": "cin", "compressed_interaction": "input", "group": 2, "layers": "cin.{layer}", "order": "maps",
             "activation": "relu"}],
  "towers": {"layers": "tower", "reads": "cin"}, "tasks": [{"name": "click", "link": "sigmoid"}]})";

MemoryWeights compressed_weights(uint64_t second) {
  MemoryWeights weights;
  weights.linear("cin.0", 4, 4).linear("cin.1", 3, second).linear("tower", 1, second == 4 ? 5 : 7);
  return weights;
}

TEST_CASE("nodes: compressed interactions") {
  const auto bound = [](uint64_t second) {
    return bind_description_text(kCompressed, compressed_weights(second), "m", nullptr, UnusedTensors::kRefuse);
  };
  CHECK(bound(4).nodes.back().width() == 5);  // two of the first layer, three of the second
  CHECK(bound(8).nodes.back().width() == 7);  // all four
  const auto error_of = [](const char* from, const char* to) {
    return bind_error(replaced(kCompressed, from, to), compressed_weights(4));
  };
  CHECK(contains(bind_error(kCompressed, compressed_weights(6)),
                 "expected 8 inputs: the products of 2 fields and 4 maps"));
  CHECK(contains(error_of(R"("group": 2, )", ""), "nodes[0].group: missing"));
  CHECK(contains(error_of(R"("group": 2, )", R"("group": 3, )"), "4 columns in fields of 3"));
  CHECK(contains(error_of(R"("maps")", R"("columns")"), "nodes[0].order"));
  CHECK(contains(error_of(R"("order")", R"("reads": "input", "order")"), "nodes[0].reads"));
  CHECK(contains(error_of(R"("input_dim": 4)", R"("input_dim": 514)"), "at most 512 columns"));
}

// Three elements of four columns attend to each other.
constexpr const char* kElements = R"({"mmoe_description": 1, "input_dim": 12,
  "nodes": [{"name": "x", "sum": ["input"], "constant": "position"},
            {"name": "q", "layers": "q", "reads": "x", "each": 4, "activation": "linear"},
            {"name": "k", "layers": "k", "reads": "x", "each": 4, "activation": "linear"},
            {"name": "v", "layers": "v", "reads": "x", "each": 4, "activation": "linear"},
            {"name": "mixed", "scaled_dot": ["q", "k", "v"], "group": 6, "heads": 3,
             "mask": [{"first": 0, "count": 2}], "causal": true},
            {"name": "h", "sum": ["mixed", "mixed"], "group": 3, "layer_norm": "norm", "activation": "relu"}],
  "towers": {"layers": "tower", "reads": "h"}, "tasks": [{"name": "click", "link": "sigmoid"}]})";

MemoryWeights element_weights() {
  MemoryWeights weights;
  weights.add("position", {3, 4}).linear("q", 6, 4).linear("k", 6, 4).linear("v", 3, 4).linear("tower", 1, 9);
  return weights.add("norm.weight", {3}).add("norm.bias", {3});
}

TEST_CASE("nodes: layers for each element, attention between elements, a norm of each") {
  MemoryWeights weights = element_weights();
  const TrainedModel model = bind_description_text(kElements, weights, "m", nullptr, UnusedTensors::kRefuse);
  REQUIRE(model.nodes.size() == 7);
  CHECK(model.nodes[0].constant.size() == 12);
  const Node& each = model.nodes[1];
  CHECK(each.kind == NodeKind::kEach);
  CHECK(each.group == 4);
  CHECK(each.width() == 18);
  const Node& mixed = model.nodes[4];
  CHECK(mixed.kind == NodeKind::kScaledDot);
  CHECK(mixed.inputs.size() == 4);
  CHECK(mixed.width() == 9);
  CHECK(mixed.value_width == 3);
  CHECK(mixed.heads == 3);
  CHECK(mixed.causal);
  CHECK(mixed.scale == static_cast<float>(1 / std::sqrt(2.0)));
  const Node& norm = model.nodes[6];
  CHECK(model.nodes[5].name == "h before its norm");
  CHECK(norm.name == "h");
  CHECK(norm.group == 3);
  CHECK(norm.layers[0].layer_norm_before_activation->gamma == weights.data("norm.weight"));
  CHECK(norm.layers[0].activation.kind == ActivationKind::kRelu);
  CHECK(norm.inputs == std::vector<StreamRef>{{StreamSource::kNode, 5}});
}

TEST_CASE("nodes: elements that do not fit are refused by name") {
  const auto error_of = [](const std::string& from, const std::string& to) {
    return bind_error(replaced(kElements, from, to), element_weights());
  };
  CHECK(contains(error_of(R"("each": 4)", R"("each": 5)"), "nodes[1].each: found 5, expected a divisor of 12"));
  CHECK(contains(error_of(R"("each": 4)", R"("each": 6)"), "q.weight: [6, 4], expected [6, 6]"));
  CHECK(contains(error_of(R"("reads": "x", "each": 4)", R"("each": 4)"), "nodes[1].reads: missing"));
  CHECK(contains(error_of(R"(["q", "k", "v"])", R"(["q", "k"])"), "expected three streams"));
  CHECK(contains(error_of(R"("group": 6, "heads")", R"("group": 5, "heads")"), "a divisor of 18 and 18"));
  CHECK(contains(error_of(R"("group": 6, "heads")", R"("heads")"), "nodes[4].group: missing"));
  CHECK(contains(error_of(R"("heads": 3)", R"("heads": 2)"), "nodes[4].heads: found 2, expected a divisor of 6 and 3"));
  CHECK(contains(error_of(R"("count": 2)", R"("count": 4)"), "at most a column for each of 3 keys"));
  CHECK(contains(error_of(R"(["q", "k", "v"])", R"(["q", "k", "input"])"), "heads"));
  CHECK(contains(error_of(R"("causal": true)", R"("causl": true)"), "causl"));
  CHECK(contains(error_of(R"("group": 3, "layer_norm": "norm")", R"("layer_norm_epsilon": 1)"),
                 "no meaning without `layer_norm`"));
  CHECK(contains(error_of(R"("layer_norm": "norm")", R"("layer_norm": "nrm")"), "nrm"));
  CHECK(contains(error_of(R"("group": 3, "layer_norm")", R"("group": 2, "layer_norm")"), "a divisor of 9"));
  CHECK(contains(error_of(R"("constant": "position")", R"("constant": "norm.bias")"), "expected [12]"));
}

TEST_CASE("nodes: parts of a sequence that is kept") {
  const std::string text =
      replaced(kAttention, R"({"name": "interest", "layers": "attention.{layer}", "activation": "sigmoid",
             "attention": {"query": "item", "sequences": "seen"}})",
               R"({"name": "interest", "scaled_dot": ["item", [{"feature": "seen", "part": "elements"}],
          [{"feature": "seen", "part": "elements"}]], "group": 2, "mask": {"feature": "seen", "part": "mask"}})");
  MemoryWeights weights;
  weights.add("table", {4, 2}).linear("tower", 1, 4);
  const Node node = bind_description_text(text, weights, "m", nullptr, UnusedTensors::kRefuse).nodes[0];
  CHECK(node.inputs[1] == input_stream({{2, 6}}));
  CHECK(node.inputs[3] == input_stream({{8, 3}}));
  CHECK(contains(bind_error(replaced(text, R"("part": "mask")", R"("part": "masks")"), weights), "part"));
  CHECK(contains(bind_error(replaced(text, R"("mask": {"feature": "seen")", R"("mask": {"feature": "item")"), weights),
                 "expected a sequence feature"));
}

TEST_CASE("nodes: what is not read is told") {
  BindReport report;
  bound(replaced(described(), R"("reads": ["cross", "second"])", R"("reads": [{"first": 0, "count": 6}, "second"])"),
        &report);
  bool told = false;
  for (const std::string& note : report.notes) told = told || note == "nothing reads the node \"cross\"";
  CHECK(told);
}

TEST_CASE("nodes: streams that do not come before, or do not fit, are refused by name") {
  CHECK(contains(error(R"(["input", "deep", "one"])", R"(["input", "deep", "second"])"),
                 "nodes[2].product[2]: found \"second\""));
  CHECK(
      contains(error(R"(["input", "deep", "one"])", R"(["input", "cross"])"), "nodes[2].product[1]: found \"cross\""));
  CHECK(contains(error(R"(["input", "deep", "one"])", R"(["input", [{"first": 0, "count": 4}]])"),
                 "nodes[2].product: streams of 4 and 6 columns: the widest is no multiple"));
  CHECK(contains(error(R"(["input", "deep", "one"])", "[]"), "nodes[2].product"));
  CHECK(contains(error(R"("product": ["input", "deep", "one"])", R"("dot": ["input", "one"])"), "expected the same"));
  CHECK(contains(error(R"("product": ["input", "deep", "one"])", R"("dot": ["input"])"), "expected two streams"));
  CHECK(contains(error(R"("scale": 2)", R"("scale": 2, "sum": ["input"])"), "has `sum` and `product`"));
  CHECK(contains(error(R"("scale": 2)", R"("group": 2)"), "a product has no groups"));
  CHECK(contains(error(R"("scale": 2)", R"("constant": "shift")"), "a product has none"));
  CHECK(contains(error(R"("scale": 2)", R"("factor": 2)"), "factor"));
  CHECK(contains(error(R"("count": 3}]})", R"("count": 3}], "group": 4})"), "6 columns in groups of 4"));
  CHECK(contains(error(R"([{"first": 0, "count": 3}, {"first": 3, "count": 3}])", R"("input")"), "group"));
  CHECK(contains(error(R"("name": "cross")", R"("name": "input")"), "expected another name"));
  CHECK(contains(error(R"("name": "cross")", R"("name": "deep")"), "two nodes are named \"deep\""));
  CHECK(contains(error(R"({"name": "cross", )", "{"), "nodes[2].name: missing"));
  CHECK(contains(error(R"("first": 1, "count": 2)", R"("first": 1, "count": 3)"), "count"));
  CHECK(contains(error(R"("constant": "shift")", R"("constant": "shirt")"), "shirt"));
  CHECK(contains(error(R"("activation": "tanh")", R"("activation": "prelu")"), "activation"));
  CHECK(contains(error(R"("reads": "{task}.sum")", R"("reads": "{task}.some")"), "some"));
  CHECK(contains(error(R"({"name": "{task}.h", )", R"({"name": "gates", )"), "gates"));
}

// What a task passes on to the next, and each of its own layers: three tasks.
constexpr const char* kTaskByTask = R"({"mmoe_description": 1, "input_dim": 4,
  "nodes": [
    {"name": "{task}.bottom", "layers": "bottom.{task}", "reads": "input", "activation": "relu"},
    {"task_by_task": [
      {"name": "{task}.h", "tasks": "first", "sum": ["{task}.bottom"]},
      {"name": "{task}.info", "tasks": "later", "layers": "info.{previous_task}", "reads": "{previous_task}.h",
       "activation": "linear"},
      {"name": "{task}.h", "tasks": "later", "sum": ["{task}.bottom", "{task}.info"], "constant": "shift.{task}"}]},
    {"name": "{task}.last", "tasks": ["buy"], "layers": "last.{task}", "reads": "{task}.h", "activation": "relu"},
    {"name": "{task}.last", "tasks": ["click", "cart"], "sum": ["{task}.h"]}],
  "towers": {"layers": "towers.{task}", "reads": "{task}.last"},
  "tasks": [{"name": "click", "link": "sigmoid"}, {"name": "cart", "link": "sigmoid"},
            {"name": "buy", "link": "sigmoid"}]})";

// `infos`, `shifts`: what tells the tasks apart in the names of tensors that there are fewer of.
MemoryWeights task_by_task_weights(const std::vector<std::string>& infos, const std::vector<std::string>& shifts) {
  MemoryWeights weights;
  for (const char* task : {"0", "1", "2"})
    weights.linear(std::string("bottom.") + task, 3, 4).linear(std::string("towers.") + task, 1, 3);
  for (const std::string& task : infos) weights.linear("info." + task, 3, 3);
  for (const std::string& task : shifts) weights.add("shift." + task, {3});
  return weights.linear("last.0", 3, 3);
}

TEST_CASE("nodes: task by task, a task's nodes read those of the task before") {
  const std::vector<std::vector<std::string>> infos = {{"0", "1"}, {"1", "2"}, {"click", "cart"}};
  const std::vector<std::vector<std::string>> shifts = {{"1", "2"}, {"0", "1"}, {"cart", "buy"}};
  for (size_t i = 0; i < infos.size(); ++i) {
    MemoryWeights weights = task_by_task_weights(infos[i], shifts[i]);
    const TrainedModel model = bind_description_text(kTaskByTask, weights, "m", nullptr, UnusedTensors::kRefuse);
    const std::vector<std::string> names = {"click.bottom", "cart.bottom", "buy.bottom", "click.h",
                                            "cart.info",    "cart.h",      "buy.info",   "buy.h",
                                            "buy.last",     "click.last",  "cart.last"};
    REQUIRE(model.nodes.size() == names.size());
    for (size_t n = 0; n < names.size(); ++n) CHECK(model.nodes[n].name == names[n]);
    CHECK(model.nodes[4].input == StreamRef(StreamSource::kNode, 3));
    CHECK(model.nodes[6].input == StreamRef(StreamSource::kNode, 5));
    CHECK(model.nodes[4].layers[0].weight.data == weights.data("info." + infos[i][0] + ".weight"));
    CHECK(model.nodes[6].layers[0].weight.data == weights.data("info." + infos[i][1] + ".weight"));
    CHECK(model.nodes[5].constant == weights.data("shift." + shifts[i][0]));
    CHECK(model.nodes[7].constant == weights.data("shift." + shifts[i][1]));
  }
}

TEST_CASE("nodes: a task that is not there, or that is none, is refused by name") {
  const MemoryWeights weights = task_by_task_weights({"0", "1"}, {"1", "2"});
  const auto error_of = [&](const std::string& from, const std::string& to) {
    return bind_error(replaced(kTaskByTask, from, to), weights);
  };
  CHECK(contains(error_of(R"("tasks": "later", "layers": "info.{previous_task}")", R"("layers": "info.{task}")"),
                 "nodes[1].task_by_task[1].reads: has {previous_task}, but the first task has none before it"));
  CHECK(contains(error_of(R"("tasks": "later", "layers": "info.{previous_task}", "reads": "{previous_task}.h")",
                          R"("layers": "info.{previous_task}", "reads": "{task}.h")"),
                 "the first task has none before it"));
  CHECK(contains(error_of(R"("reads": "{task}.last")", R"("reads": "{previous_task}.last")"),
                 "towers.reads: has {previous_task}, but the first task has none before it"));
  CHECK(contains(error_of("{previous_task}.h", "{task}.h"), "nodes[1].task_by_task[1].reads"));
  CHECK(contains(error_of(R"("tasks": "later", "layers": "info)", R"("tasks": "last", "layers": "info)"),
                 R"(nodes[1].task_by_task[1].tasks: found "last", expected one of first, later)"));
  CHECK(contains(error_of(R"(["buy"])", R"(["by"])"), "nodes[2].tasks[0]"));
  CHECK(contains(error_of(R"(["buy"])", R"(["buy", "buy"])"), "nodes[2].tasks[1]: is there twice"));
  CHECK(contains(error_of(R"(["buy"])", "[]"), "nodes[2].tasks"));
  CHECK(contains(error_of(R"("tasks": ["click", "cart"], )", ""), "two nodes are named \"buy.last\""));
  CHECK(contains(error_of(R"("name": "{task}.h", "tasks": "first")", R"("name": "first.h", "tasks": "first")"),
                 "nodes[1].task_by_task[0].tasks: the node's name has no {task}"));
  CHECK(contains(error_of(R"("name": "{task}.h", "tasks": "first")", R"("name": "first.h")"),
                 "nodes[1].task_by_task[0].name: found \"first.h\", expected a name with {task}"));
  CHECK(contains(error_of(R"("name": "{task}.info")", R"("name": "{previous_task}.info")"),
                 "a node has the name of its own task"));
  CHECK(contains(error_of(R"({"task_by_task")", R"({"name": "x", "task_by_task")"), "nodes[1].name: unknown key"));
  CHECK(contains(error_of("shift.{task}", "shift.{layer}"), "without {layer}"));
  CHECK(contains(bind_error(kTaskByTask, task_by_task_weights({"0"}, {"1", "2"})),
                 "found 1 task (0), expected 2 or 3, for"));
  const std::string empty = replaced(kTaskByTask, R"("nodes": [)", R"("nodes": [{"task_by_task": []},)");
  CHECK(contains(bind_error(empty, weights), "nodes[0].task_by_task"));
}

// A task's embedding of two numbers, between columns that change.
constexpr const char* kConstant = R"({"mmoe_description": 1, "input_dim": 3,
  "derived": [{"name": "embedding.{task}", "split": "embeddings"}],
  "nodes": [
    {"name": "{task}.embedding", "constant": "embedding.{task}"},
    {"name": "{task}.h", "layers": "node", "activation": "relu",
     "reads": [{"first": 0, "count": 1}, "{task}.embedding", {"first": 1, "count": 2}]}],
  "levels": [{
    "experts": {"layers": "experts.{expert}", "activation": "relu", "reads": "input"},
    "gates": {"logits": "gate", "per": "task", "reads": ["{task}.embedding", "input"]}}],
  "towers": {"layers": "tower.{task}", "reads": ["gates", "{task}.h", "{task}.embedding"]},
  "tasks": [{"name": "click", "link": "sigmoid"}, {"name": "like", "link": "sigmoid"}]})";

MemoryWeights constant_weights() {
  MemoryWeights weights;
  weights.add("embeddings", {2, 2}, {10, 20, 30, 40});
  weights.add("node.weight", {1, 5}, {1, 2, 3, 4, 5}).add("node.bias", {1}, {7});
  weights.add("gate.weight", {2, 5}, {1, 2, 3, 4, 5, 6, 7, 8, 9, 10});  // without a bias
  weights.linear("experts.0", 2, 3).linear("experts.1", 2, 3);
  return weights.add("tower.0.weight", {1, 5}, {1, 2, 3, 4, 5}).add("tower.1.weight", {1, 5}, {1, 2, 3, 4, 5});
}

TEST_CASE("nodes: constant columns go to the bias of the layers that read them") {
  const TrainedModel model = bind_description_text(kConstant, constant_weights(), "m", nullptr, UnusedTensors::kRefuse);
  REQUIRE(model.nodes.size() == 2);
  CHECK(model.nodes[0].name == "click.h");
  CHECK(model.nodes[0].input.parts.size() == 2);
  CHECK(model.nodes[0].layers[0].weight.data == std::vector<float>{1, 4, 5});
  CHECK(model.nodes[0].layers[0].bias == std::vector<float>{7 + 2 * 10 + 3 * 20});
  CHECK(model.nodes[1].layers[0].bias == std::vector<float>{7 + 2 * 30 + 3 * 40});
  REQUIRE(model.levels[0].gates.size() == 2);
  CHECK(model.levels[0].gates[1].name == "gates.like");
  CHECK(model.levels[0].gates[1].logits->weight.data == std::vector<float>{3, 4, 5, 8, 9, 10});
  CHECK(model.levels[0].gates[1].logits->bias == std::vector<float>{30 + 2 * 40, 6 * 30 + 7 * 40});
  CHECK(model.towers[0].layers[0].inputs() == 3);
  CHECK(model.towers[0].layers[0].bias == std::vector<float>{4 * 10 + 5 * 20});
}

TEST_CASE("nodes: what cannot be read as a constant is refused by name") {
  const auto error_of = [](const std::string& from, const std::string& to) {
    return bind_error(replaced(kConstant, from, to), constant_weights());
  };
  CHECK(contains(error_of(R"("layers": "node", "activation": "relu",
     "reads": [{"first": 0, "count": 1}, "{task}.embedding", {"first": 1, "count": 2}]})",
                          R"("sum": ["{task}.embedding"]})"),
                 "nodes[1].sum[0]: is constant: only layers can read it"));
  CHECK(contains(error_of(R"("reads": ["{task}.embedding", "input"])", R"("reads": "{task}.embedding")"),
                 "at least one part that is not constant"));
  CHECK(contains(error_of(R"("reads": ["{task}.embedding", "input"])", R"("reads": ["{task}.embeding", "input"])"),
                 "levels[0].gates.reads[0]: found \"{task}.embeding\""));
  CHECK(contains(error_of(R"("constant": "embedding.{task}")", R"("constant": "embedding.{task}", "scale": 2)"),
                 "nodes[0].scale: unknown key"));
  CHECK(contains(error_of(R"("constant": "embedding.{task}")", R"("constant": "gate.weight")"),
                 "gate.weight: [2, 5], expected [2]"));
  CHECK(contains(error_of(R"({"name": "{task}.h")", R"({"name": "{task}.embedding")"), "two nodes are named"));
  CHECK(contains(error_of(R"("logits": "gate")", R"("logits": "tower.{task}")"), "there is a gate per task already"));
  CHECK(contains(error_of(R"("per": "task")", R"("per": "tasks")"), "levels[0].gates.per"));
  CHECK(contains(error_of(R"("logits": "gate")", R"("logits": "gate", "activation": "smooth_step",
                                                   "selector_weights": "gate")"),
                 "constants, which smooth steps cannot read"));
}

}  // namespace
}  // namespace mmoe::converter
