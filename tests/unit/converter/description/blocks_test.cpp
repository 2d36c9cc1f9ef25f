// Blocks of the description beyond a plain MMoE: which experts are whose, constant gates out of a tensor, networks
// without levels, ignored tensors, parts of a packed table, names of architectures. Errors beside each.
#include <doctest/doctest.h>
#include <algorithm>

#include "converter/model/architecture.h"
#include "tests/unit/converter/description/memory_weights.h"

namespace mmoe::converter {
namespace {

using test::bind_error;
using test::contains;
using test::MemoryWeights;
using test::mmoe_description;
using test::mmoe_weights;
using test::replaced;
using Indices = std::vector<size_t>;

TrainedModel bound(const std::string& text, const WeightSource& weights, BindReport* report = nullptr) {
  return bind_description_text(text, weights, "model", report, UnusedTensors::kReport);
}

// Two experts per task and one shared under one running number, in that order.
MemoryWeights flat_weights() {
  MemoryWeights weights;
  for (int e = 0; e < 5; ++e) weights.linear("experts." + std::to_string(e), 6, 10);
  for (const char* t : {"0", "1"})
    weights.linear(std::string("gates.") + t, 3, 10).linear(std::string("towers.") + t, 1, 6);
  return weights;
}

std::string flat_description(const std::string& mixes = R"(["shared", "own"])") {
  return R"({"mmoe_description": 1, "levels": [{"experts": [
      {"name": "own", "layers": "experts.{expert}", "activation": "relu", "per": "task", "num_experts": 2},
      {"name": "shared", "layers": "experts.{expert}", "activation": "relu", "first_expert": 4}],
      "gates": {"logits": "gates.{task}", "mixes": )" +
         mixes + R"(}}], "towers": {"layers": "towers.{task}"},
    "tasks": [{"name": "click", "link": "sigmoid"}, {"name": "like", "link": "sigmoid"}]})";
}

TEST_CASE("one running number over task-specific and shared experts") {
  const MemoryWeights weights = flat_weights();
  const TrainedModel model = bound(flat_description(), weights);
  const Level& level = model.levels[0];
  REQUIRE(level.experts.size() == 5);
  CHECK(level.experts[3].name == "own.like.1");
  CHECK(level.experts[3].layers[0].name == "experts.3.weight");
  CHECK(level.experts[4].layers[0].name == "experts.4.weight");
  CHECK(level.gates[0].experts == Indices{4, 0, 1});
  CHECK(level.gates[1].experts == Indices{4, 2, 3});
  CHECK(architecture_name(model) == "CGC");
}

TEST_CASE("running numbers that do not fit") {
  const MemoryWeights weights = flat_weights();
  const std::string text = flat_description();
  CHECK(bind_error(replaced(text, R"("num_experts": 2)", R"("num_experts": 3)"), weights) ==
        "levels[0].experts[0]: found 5 experts, expected at least 6");
  CHECK(contains(bind_error(replaced(text, R"(, "num_experts": 2)", ""), weights), "5 experts for 2 tasks; say with"));
  CHECK(bind_error(replaced(text, R"("first_expert": 4)", R"("first_expert": 5)"), weights) ==
        "levels[0].experts[1]: found 5 experts, expected at least 6");
  CHECK(contains(
      bind_error(replaced(mmoe_description(), "experts.{expert}.{layer}\"", "experts.0.{layer}\", \"per\": \"task\""),
                 mmoe_weights()),
      "need {expert} in `layers`"));
}

TEST_CASE("routes: a row takes the expert whose number it says, or that of the one") {
  const auto description = [](const std::string& gates) {
    return R"({"mmoe_description": 1, "input_dim": 10, "levels": [{"experts": {"layers": "experts.{expert}",
        "activation": "relu", "reads": "input"}, "gates": )" +
           gates + R"(}], "towers": {"layers": "tower"}, "tasks": [{"name": "click", "link": "sigmoid"}]})";
  };
  MemoryWeights weights;
  for (const char* e : {"0", "1", "2"}) weights.linear(std::string("experts.") + e, 4, 10);
  weights.linear("tower", 1, 4);
  const Gate number = bound(description(R"({"route": {"first": 9, "count": 1}})"), weights).levels[0].gates[0];
  CHECK(number.input == input_stream({{9, 1}}));
  CHECK(number.top_k == 1);
  for (size_t id = 0; id < 3; ++id) {
    std::vector<float> logits(number.logits->bias);
    for (size_t e = 0; e < 3; ++e) logits[e] += number.logits->weight.at(e, 0) * static_cast<float>(id);
    CHECK(static_cast<size_t>(std::max_element(logits.begin(), logits.end()) - logits.begin()) == id);
  }
  const Gate one_hot = bound(description(R"({"route": {"first": 7, "count": 3}})"), weights).levels[0].gates[0];
  CHECK(one_hot.logits->weight.data == std::vector<float>{128, 0, 0, 0, 128, 0, 0, 0, 128});
  // With --top-k 2 the second one's weight is exp(-128), which is 0.
  const DenseLayer& logits = *number.logits;
  CHECK(logits.bias[1] + 2 * logits.weight.at(1, 0) - (logits.bias[2] + 2 * logits.weight.at(2, 0)) == -128);
  const std::string numbers = R"("numbers": [{"match": "*", "weights": "w8a8"}], "towers")";
  const TrainedModel small =
      bound(replaced(description(R"({"route": {"first": 9, "count": 1}})"), R"("towers")", numbers), weights);
  CHECK(small.levels[0].gates[0].logits->storage.type == WeightType::kF32);
  CHECK(small.levels[0].experts[0].layers[0].storage.type == WeightType::kW8A8);
  CHECK(bind_error(description(R"({"route": {"first": 7, "count": 2}})"), weights) ==
        "levels[0].gates.route: is 2 columns wide, expected 1, the number of the expert, or one for each of 3 experts");
  CHECK(contains(bind_error(description(R"({"route": {"first": 9, "count": 1}, "top_k": 1})"), weights), "top_k"));
  CHECK(contains(bind_error(description(R"({"route": "country"})"), weights), "country"));
}

TEST_CASE("routes: rows that the description gives a category name experts that there are, and each of them") {
  MemoryWeights weights;
  for (const char* e : {"0", "1", "2"}) weights.linear(std::string("experts.") + e, 4, 1);
  weights.linear("tower", 1, 4);
  const auto description = [](const std::string& embedding, const std::string& mixes = "") {
    return R"({"mmoe_description": 1, "features": [{"name": "age", "kind": "dense"},
        {"name": "page", "kind": "categorical", "vocabulary": ["a", "b", "c"], "embedding": )" +
           embedding +
           R"(}], "levels": [{"experts": {"layers": "experts.{expert}", "activation": "relu", "reads": "age"},
        "gates": {"route": "page")" +
           mixes + R"(}}], "towers": {"layers": "tower"}, "tasks": [{"name": "click", "link": "sigmoid"}]})";
  };
  for (const char* good :
       {R"({"rows": [[2], [0], [1]]})", R"({"one_hot": 3})", R"({"rows": [[0, 0, 1], [0, 1, 0], [1, 0, 0]]})"}) {
    CHECK(bound(description(good), weights).levels[0].gates[0].top_k == 1);
  }
  const std::string route = "levels[0].gates.route: ", from_0 = "names none of 3 experts, which are counted from 0";
  CHECK(bind_error(description(R"({"rows": [[1], [2], [3]]})"), weights) ==
        route + "row 2 of the category's embedding " + from_0);
  CHECK(bind_error(description(R"({"rows": [[0], [-1], [2]]})"), weights) ==
        route + "row 1 of the category's embedding " + from_0);
  CHECK(bind_error(description(R"({"rows": [[0.5], [1], [2]]})"), weights) ==
        route + "row 0 of the category's embedding " + from_0);
  const std::string missed = "no row of the category's embedding takes expert 1 of 3; `mixes` may leave an expert out";
  CHECK(bind_error(description(R"({"rows": [[0], [2], [0]]})"), weights) == route + missed);
  CHECK(bind_error(description(R"({"rows": [[1, 0, 0], [1, 0, 0], [0, 0, 1]]})"), weights) == route + missed);
  const std::string two = R"(, "mixes": [{"pool": "experts", "expert": 0}, {"pool": "experts", "expert": 2}])";
  CHECK(bound(description(R"({"rows": [[0], [1], [0]]})", two), weights).levels[0].gates[0].experts == Indices{0, 2});
}

TEST_CASE("mixes: single experts, another task's, every task's") {
  const MemoryWeights weights = flat_weights();
  const auto experts = [&](const std::string& mixes) {
    return bound(flat_description(mixes), weights).levels[0].gates[0].experts;
  };
  CHECK(experts(R"([{"pool": "own", "expert": 1}, "shared", {"pool": "own", "expert": 0}])") == Indices{1, 4, 0});
  CHECK(experts(R"([{"pool": "own", "task": "like"}, "shared"])") == Indices{2, 3, 4});
  CHECK(bind_error(flat_description(R"([{"pool": "own", "tasks": "all"}, "shared"])"), weights) ==
        "gates.0.weight: [3, 10], expected [5, 10] (5 experts, 10 inputs)");
  CHECK(contains(bind_error(flat_description(R"(["own", {"pool": "own", "expert": 0}])"), weights), "a second time"));
  CHECK(contains(bind_error(flat_description(R"([{"pool": "own", "expert": 2}])"), weights), "expected less than 2"));
  CHECK(contains(bind_error(flat_description(R"([{"pool": "shared", "task": "like"}])"), weights), "is not per task"));
}

std::string stitched(const std::string& gate) {
  return R"({"mmoe_description": 1, "levels": [{"experts": {"layers": "nets.{task}", "activation": "relu"},
      "gates": {"per": "task", "mixes": [{"pool": "experts", "tasks": "all"}], )" +
         gate + R"(}}], "towers": {"layers": "towers.{task}"},
    "tasks": [{"name": "click", "link": "sigmoid"}, {"name": "like", "link": "sigmoid"}]})";
}

TEST_CASE("constant gates out of a stitch matrix") {
  MemoryWeights weights;
  weights.linear("nets.0", 4, 3).linear("nets.1", 4, 3).linear("towers.0", 1, 4).linear("towers.1", 1, 4);
  weights.add("stitch", {2, 2}, {0.1f, 0.2f, 0.3f, 0.4f});
  const TrainedModel rows = bound(stitched(R"("constant": "stitch")"), weights);
  CHECK(rows.levels[0].gates[1].constant_weights == std::vector<float>{0.3f, 0.4f});
  CHECK(architecture_name(rows) == "Cross-Stitch");
  const TrainedModel columns = bound(stitched(R"("constant": "stitch", "orientation": "in_out")"), weights);
  CHECK(columns.levels[0].gates[1].constant_weights == std::vector<float>{0.2f, 0.4f});
  weights.remove("stitch").add("stitch", {2, 2, 4});
  CHECK(bind_error(stitched(R"("constant": "stitch")"), weights) ==
        "stitch: [2, 2, 4], expected [2, 2] (2 tasks, 2 experts to mix)");
}

TEST_CASE("constant gates read nothing, and need not say what") {
  MemoryWeights weights;
  weights.linear("e.0", 4, 6).linear("e.1", 4, 6).linear("a.0", 2, 6).linear("a.1", 2, 6).linear("b.0", 2, 6);
  weights.linear("b.1", 2, 6).linear("second", 3, 6).linear("t.0", 1, 3).linear("t.1", 1, 3);
  const TrainedModel model = bound(R"({"mmoe_description": 1, "levels": [
      {"experts": {"layers": "e.{expert}", "activation": "relu"},
       "gates": [{"name": "a", "logits": "a.{task}"}, {"name": "b", "logits": "b.{task}"}]},
      {"experts": {"layers": "second", "activation": "relu", "reads": "input"}, "gates": {"constant": [1]}}],
    "towers": {"layers": "t.{task}"}, "tasks": [{"name": "x", "link": "sigmoid"}, {"name": "y", "link": "sigmoid"}]})",
                                   weights);
  CHECK(model.levels[1].gates.size() == 1);
  CHECK(model.levels[1].gates[0].constant_weights == std::vector<float>{1});
}

TEST_CASE("without levels: a trunk is a Shared-Bottom, networks of one layer keep their activation") {
  MemoryWeights weights;
  weights.linear("bottom.0", 8, 5).linear("towers.0", 1, 8).linear("towers.1", 1, 8);
  const std::string text = R"({"mmoe_description": 1, "trunk": {"layers": "bottom.{layer}", "activation": "relu"},
    "towers": {"layers": "towers.{task}"},
    "tasks": [{"name": "click", "link": "sigmoid"}, {"name": "like", "link": "sigmoid"}]})";
  const TrainedModel shared = bound(text, weights);
  CHECK(architecture_name(shared) == "Shared-Bottom");
  CHECK(shared.trunk.empty());
  CHECK(shared.input_dim == 5);
  const TrainedModel alone = bound(R"({"mmoe_description": 1, "towers": {"layers": "towers.{task}"},
    "tasks": [{"name": "click", "link": "sigmoid"}, {"name": "like", "link": "sigmoid"}]})",
                                   weights);
  CHECK(architecture_name(alone) == "Single-Task");
  CHECK(alone.input_dim == 8);
  CHECK(alone.towers[1].layers[0].weight.data == std::vector<float>{1.0f});
}

TEST_CASE("the architecture claimed must be that of the structure") {
  const auto claim = [](const std::string& name) {
    return bind_error(replaced(mmoe_description(), "\"levels\"", "\"architecture\": \"" + name + "\", \"levels\""),
                      mmoe_weights());
  };
  CHECK(claim("MMoE").empty());
  CHECK(claim("PLE") == "architecture: found \"PLE\", but what is described is MMoE");
  CHECK(claim("AITM") == "architecture: found \"AITM\", but what is described is MMoE");
}

TEST_CASE("ignored tensors are noted and not reported as unused") {
  MemoryWeights weights = mmoe_weights();
  weights.add("loss weight.0", {}).add("dead.0.weight", {2, 2}).add("dead.1.weight", {2, 2});
  BindReport report;
  bound(replaced(mmoe_description(), "\"levels\"", R"("ignore": ["loss *", "dead.*.weight", "not there"], "levels")"),
        weights, &report);
  CHECK(report.unused_tensors.empty());
  CHECK(report.notes == std::vector<std::string>{"ignored as the description says: 1 tensor (loss *)",
                                                 "ignored as the description says: 2 tensors (dead.*.weight)"});
}

TEST_CASE("ignored tensors: a wrapper's prefix may be left out there too") {
  MemoryWeights weights = mmoe_weights();
  weights.add("dead.weight", {3}).add("loss", {2});
  BindReport report;
  bound(replaced(mmoe_description(), "\"levels\"", R"("ignore": ["dead.*", "module.loss"], "levels")"),
        weights.with_prefix("module."), &report);
  CHECK(report.unused_tensors.empty());
}

TEST_CASE("fields behind each other in one table") {
  MemoryWeights weights;
  weights.add("table", {10, 2}).linear("towers.0", 1, 4);
  const auto text = [](const std::string& second) {
    return R"({"mmoe_description": 1, "features": [
      {"name": "a", "kind": "categorical", "vocabulary": {"identity": 4}, "embedding": "table", "first_row": 0},
      {"name": "b", "kind": "categorical", "vocabulary": ["x", "y"], "unknown": {"id": 5}, "embedding": "table", )" +
           second + R"(}], "towers": {"layers": "towers.{task}"}, "tasks": [{"name": "click", "link": "sigmoid"}]})";
  };
  const TrainedModel model = bound(text("\"first_row\": 4"), weights);
  REQUIRE(model.embeddings.size() == 2);
  CHECK(model.embeddings[0].table.rows == 4);
  CHECK(model.embeddings[1].table.rows == 6);
  CHECK(model.embeddings[1].table.at(0, 1) == weights.data("table")[4 * 2 + 1]);
  CHECK(contains(bind_error(text("\"first_row\": 5"), weights), "expected less than 5, the rows of table from row 5"));
  CHECK(contains(bind_error(text("\"first_row\": 10"), weights), "expected less than 10, the rows of table"));
}

TEST_CASE("the rows that all fields take of one table are bounded") {
  MemoryWeights weights;
  weights.add("table", {100, 2}).linear("towers.0", 1, 2 * 40);
  const auto text = [](int fields) {
    std::string features;
    for (int i = 0; i < fields; ++i) {
      features += (i == 0 ? "" : ",") + std::string(R"({"name": "f)") + std::to_string(i) +
                  R"(", "kind": "categorical", "vocabulary": {"identity": )" + std::to_string(100 - i) +
                  R"(}, "embedding": "table", "first_row": )" + std::to_string(i) + "}";
    }
    return R"({"mmoe_description": 1, "features": [)" + features +
           R"(], "towers": {"layers": "towers.{task}"}, "tasks": [{"name": "click", "link": "sigmoid"}]})";
  };
  // 100 + 99 + ... + 83 are 1647, the first sum above 16 times 100.
  CHECK(contains(bind_error(text(40), weights),
                 "table: it has 100 rows, but the features with different `first_row` or size of the vocabulary would "
                 "copy 1647 into the file"));
  weights.remove("towers.0.weight").add("towers.0.weight", {1, 2 * 10});
  CHECK(bound(text(10), weights).embeddings.size() == 10);
}

TEST_CASE("several classes of one softmax, each a task") {
  MemoryWeights weights;
  weights.linear("towers.0", 3, 4).linear("towers.1", 1, 4);
  const auto text = [](const std::string& tower) {
    return R"({"mmoe_description": 1, "towers": {"layers": "towers.{task}"}, "tasks": [
      {"name": "low", "link": {"softmax_column": 0}}, {"name": "high", "link": {"softmax_column": 2, "tower": ")" +
           tower + R"("}}, {"name": "click", "link": "sigmoid"}]})";
  };
  const TrainedModel model = bound(text("low"), weights);
  CHECK(model.towers.size() == 2);
  CHECK(model.tasks[1].link.tower == 0);
  CHECK(model.tasks[2].link.tower == 1);
  CHECK(contains(bind_error(text("click"), weights), "expected an earlier task that has a tower (low)"));
}

TEST_CASE("a Keras batch norm without scale, under Keras's names") {
  MemoryWeights weights;
  weights.add("d/kernel:0", {5, 3}).add("d/bias:0", {3}).add("bn/beta:0", {3}).add("bn/moving_mean:0", {3});
  weights.add("bn/moving_variance:0", {3}, {1, 2, 3}).linear("towers.0", 1, 3);
  const std::string text = R"({"mmoe_description": 1, "levels": [{"experts": {"layers": "d", "activation": "relu",
      "weight": "/kernel:0", "bias": "/bias:0", "orientation": "in_out", "batch_norm": "bn", "batch_norm_epsilon": 1e-3,
      "batch_norm_tensors": {"gamma": "/gamma:0", "beta": "/beta:0", "mean": "/moving_mean:0",
                             "variance": "/moving_variance:0"}}, "gates": {"constant": [1]}}],
    "towers": {"layers": "towers.{task}"}, "tasks": [{"name": "click", "link": "sigmoid"}]})";
  const DenseLayer layer = bound(text, weights).levels[0].experts[0].layers[0];
  CHECK(layer.norm_before_activation->gamma == std::vector<float>{1, 1, 1});
  CHECK(layer.norm_before_activation->beta == weights.data("bn/beta:0"));
  CHECK(layer.norm_before_activation->epsilon == 1e-3);
}

std::string projected(const std::string& fields) {
  return R"({"mmoe_description": 1, "features": [{"name": "n", "kind": "dense", )" + fields +
         R"(}], "towers": {"layers": "towers.{task}"}, "tasks": [{"name": "click", "link": "sigmoid"}]})";
}

TEST_CASE("numbers through a linear layer, and a number times a vector") {
  MemoryWeights weights;
  weights.linear("p", 4, 3).add("vector", {1, 4}).linear("towers.0", 1, 4);
  const TrainedModel linear = bound(projected(R"("projection": {"weight": "p.weight", "bias": "p.bias"})"), weights);
  CHECK(linear.input_dim == 4);
  CHECK(linear.features[0].num_values() == 3);
  const TrainedModel vector =
      bound(projected(R"("projection": {"weight": "vector", "orientation": "in_out"})"), weights);
  CHECK(vector.features[0].num_values() == 1);
  CHECK(vector.features[0].width == 4);
  CHECK(bind_error(projected(R"("width": 2, "projection": {"weight": "p.weight"})"), weights) ==
        "features[0].width: found 2, expected 3, the inputs of its projection");
  CHECK(contains(bind_error(projected(R"("projection": {"weight": "p.weight", "bias": "b"})"), weights),
                 "no tensor is named b"));
  CHECK(contains(bind_error(projected(R"("projection": {"weight": "vector"})"), weights),
                 "towers.0.weight: [1, 4], expected [1, 1]"));
}

}  // namespace
}  // namespace mmoe::converter
