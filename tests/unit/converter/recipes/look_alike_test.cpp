// Models that are named as a public library names its own, and are others: each must be refused, not converted wrongly.
#include <doctest/doctest.h>

#include <functional>
#include <string>
#include <vector>

#include "converter/interpretation/interpretation.h"
#include "tests/unit/converter/description/memory_weights.h"

namespace mmoe::converter {
namespace {

using test::contains;
using test::MemoryWeights;

const char* const kSettings = R"({"activation": "relu", "features": []})";
/// Of a library whose users write the encoder.
const char* const kOwnSettings = R"({"activation": "relu", "last_activation": "relu", "features": []})";

/// Why the weights cannot be converted; empty where they can.
std::string refusal(const WeightSource& weights, const std::string& settings = kSettings,
                    const std::string& recipe = "", BindReport* report = nullptr) {
  BindReport own;
  try {
    const Interpretation interpretation = interpret(weights, nullptr, {"m.pt", settings, recipe});
    read_model(weights, nullptr, interpretation, "m", report != nullptr ? *report : own);
  } catch (const ConvertError& error) {
    return error.what();
  }
  return "";
}

// ------------------------------------------------------------------------------------------- the libraries' models

/// Linear layers 4 wide, `inputs` into the first, with what stands between them at the numbers that the library gives.
void stack(MemoryWeights& weights, const std::string& module, size_t inputs, size_t num_layers, size_t norm_at,
           size_t stride) {
  for (size_t i = 0; i < num_layers; ++i) {
    weights.linear(module + "." + std::to_string(stride * i), 4, i == 0 ? inputs : 4);
    if (norm_at != 0) weights.norm(module + "." + std::to_string(stride * i + norm_at), 4);
  }
}

/// MTReclib's MMoE: Linear, BatchNorm1d, ReLU, Dropout. `norm_at`, `stride`: the library has 1 and 4.
MemoryWeights mtreclib(size_t norm_at = 1, size_t stride = 4) {
  MemoryWeights weights;
  for (const std::string n : {"0", "1"}) {
    stack(weights, "expert." + n + ".mlp", 6, 2, norm_at, stride);
    weights.linear("gate." + n + ".0", 2, 6);
    stack(weights, "tower." + n + ".mlp", 4, 1, norm_at, stride);
    weights.linear("tower." + n + ".mlp." + std::to_string(stride), 1, 4);
  }
  return weights;
}

/// torch-rechub's MMOE: the same blocks, and the gates are blocks too.
MemoryWeights torch_rechub(size_t norm_at = 1, size_t stride = 4) {
  MemoryWeights weights;
  for (const std::string n : {"0", "1"}) {
    stack(weights, "experts." + n + ".mlp", 6, 2, norm_at, stride);
    weights.linear("gates." + n + ".mlp.0", 2, 6).norm("gates." + n + ".mlp.1", 2);
    stack(weights, "towers." + n + ".mlp", 4, 1, norm_at, stride);
    weights.linear("towers." + n + ".mlp." + std::to_string(stride), 1, 4);
  }
  return weights;
}

/// FuxiCTR's MMoE with dropout: Linear, [BatchNorm1d], activation, [Dropout].
MemoryWeights fuxictr(size_t norm_at = 1, size_t stride = 4) {
  MemoryWeights weights;
  for (const std::string n : {"0", "1"}) {
    stack(weights, "mmoe_layer.experts." + n + ".mlp", 6, 2, norm_at, stride);
    weights.linear("mmoe_layer.gate." + n + ".mlp.0", 2, 6);
    stack(weights, "tower." + n + ".mlp", 4, 1, norm_at, stride);
    weights.linear("tower." + n + ".mlp." + std::to_string(stride), 1, 4);
  }
  return weights;
}

/// LibMTL's MMoE with an encoder of two layers.
MemoryWeights libmtl(size_t norm_at = 1, size_t stride = 3) {
  MemoryWeights weights;
  for (const std::string n : {"0", "1"}) {
    stack(weights, "experts_shared." + n, 6, 2, norm_at, stride);
    weights.linear("gate_specific." + n + ".0", 2, 6).linear("decoders." + n, 1, 4);
  }
  return weights;
}

/// DeepCTR-Torch's MMOE with batch norms: lists of layers and of norms.
MemoryWeights deepctr_torch(const std::vector<std::string>& norms = {"0", "1"}) {
  MemoryWeights weights;
  for (const std::string n : {"0", "1"}) {
    const std::string expert = "expert_dnn." + n;
    weights.linear(expert + ".linears.0", 4, 6).linear(expert + ".linears.1", 4, 4);
    for (const std::string& norm : norms) weights.norm(expert + ".bn." + norm, 4);
    weights.add("gate_dnn_final_layer." + n + ".weight", {2, 6}).add("tower_dnn_final_layer." + n + ".weight", {1, 4});
    weights.add("out." + n + ".bias", {1});
  }
  return weights;
}

/// TorchEasyRec's MMoE: every layer is a Sequential of its own.
MemoryWeights torcheasyrec(const std::string& norm_at = "1", bool second_norm = true) {
  MemoryWeights weights;
  for (const std::string n : {"0", "1"}) {
    for (const std::string layer : {"0", "1"}) {
      const std::string perceptron = "mmoe.expert_mlps." + n + ".mlp." + layer + ".perceptron.";
      weights.linear(perceptron + "0", 4, layer == "0" ? 6 : 4);
      if (layer == "0" || second_norm) weights.norm(perceptron + norm_at, 4);
    }
    weights.linear("mmoe.gate_finals." + n, 2, 6);
    weights.linear("_task_tower." + n + ".tower_mlp.mlp.0.perceptron.0", 3, 4)
        .linear("_task_tower." + n + ".linear", 1, 3);
  }
  return weights;
}

/// DeepCTR's MMOE, as Keras names it.
MemoryWeights deepctr(bool second_norm = true) {
  MemoryWeights weights;
  for (const std::string e : {"0", "1"}) {
    const std::string expert = "expert_" + e;
    weights.add(expert + "/kernel0", {6, 4})
        .add(expert + "/bias0", {4})
        .add(expert + "/kernel1", {4, 4})
        .add(expert + "/bias1", {4});
    for (const std::string norm : {"0", "1"}) {
      if (norm == "1" && !second_norm) continue;
      const std::string module = expert + "/batch_normalization#" + norm;
      weights.add(module + "/gamma", {4}).add(module + "/beta", {4}).add(module + "/moving_mean", {4});
      weights.add(module + "/moving_variance", {4}, std::vector<float>(4, 1.0f));
    }
  }
  for (const std::string task : {"ctr", "ctcvr"}) {
    weights.add("gate_softmax_" + task + "/kernel", {6, 2})
        .add("dense#0>" + task + "/kernel", {4, 1})
        .add(task + "/global_bias", {1});
  }
  return weights;
}

/// keras-mmoe: kernels of all experts in one tensor.
MemoryWeights keras_mmoe() {
  MemoryWeights weights;
  weights.add("mmoe/expert_kernel", {6, 4, 2}).add("mmoe/expert_bias", {4, 2});
  size_t number = 0;
  for (const std::string task : {"income", "marital"}) {
    const std::string gate = "_task_" + std::to_string(number++);
    weights.add("mmoe/gate_kernel" + gate, {6, 2}).add("mmoe/gate_bias" + gate, {2});
    weights.add("dense#0>" + task + "/kernel", {4, 3}).add("dense#0>" + task + "/bias", {3});
    weights.add(task + "/kernel", {3, 2}).add(task + "/bias", {2});
  }
  return weights;
}

MemoryWeights paddlerec() {
  MemoryWeights weights;
  const auto layer = [&](const std::string& name, uint64_t inputs, uint64_t outputs) {
    weights.add(name + ".weight", {inputs, outputs}).add(name + ".bias", {outputs});
  };
  for (const std::string n : {"0", "1"}) {
    layer("expert_" + n, 6, 4);
    layer("gate_" + n, 6, 2);
    layer("tower_" + n, 4, 3);
    layer("tower_out_" + n, 3, 2);
  }
  return weights;
}

struct LibraryCase {
  const char* recipe;
  MemoryWeights weights;
  const char* gate;  // names one gate more
  const char* settings = kSettings;
};

std::vector<LibraryCase> libraries() {
  return {{"mtreclib", mtreclib(), "gate.shared"},
          {"torch-rechub", torch_rechub(), "shared_gate.mlp.0"},
          {"fuxictr", fuxictr(), "mmoe_layer.gate_b.0.mlp.0"},
          {"libmtl", libmtl(), "gate_shared.0", kOwnSettings},
          {"deepctr-torch", deepctr_torch(), "gate_dnn_final_layer_b.0"},
          {"torcheasyrec", torcheasyrec(), "mmoe.shared_gate"},
          {"deepctr", deepctr(), "gate_softmax_shared"},
          {"keras-mmoe", keras_mmoe(), "mmoe/gate_kernel_shared"},
          {"paddlerec", paddlerec(), "gate_shared"}};
}

// ------------------------------------------------------------------------------------------- what must be so

TEST_CASE("the libraries' own models are taken, by tensor names alone and claimed") {
  for (const LibraryCase& library : libraries()) {
    CAPTURE(library.recipe);
    CHECK(refusal(library.weights, library.settings) == "");
    CHECK(refusal(library.weights, library.settings, library.recipe) == "");
    const Interpretation description = interpret(library.weights, nullptr, {"m.pt", library.settings, ""});
    CHECK(description.recipe == library.recipe);
    REQUIRE_FALSE(description.notes.empty());
    CHECK(contains(description.notes[0], "by the tensors' names alone"));
    CHECK(contains(description.notes[0], std::string("--recipe ") + library.recipe));
  }
}

TEST_CASE("a tensor that a recognised library does not have is refused by name, with what to do") {
  for (const LibraryCase& library : libraries()) {
    CAPTURE(library.recipe);
    MemoryWeights gate = library.weights, layer = library.weights;
    gate.add(std::string(library.gate) + ".weight", {2, 6});
    layer.linear("input_layer", 6, 6);
    for (const std::string& error : {refusal(gate, library.settings), refusal(layer, library.settings)}) {
      CAPTURE(error);
      CHECK((contains(error, " of the file are not used: ") || contains(error, " of the file is not used: ")));
      CHECK(contains(error, std::string("--recipe ") + library.recipe));
      CHECK(contains(error, "write a description"));
    }
    CHECK(contains(refusal(layer, library.settings), "input_layer.weight [6, 6], input_layer.bias [6]"));
  }
}

TEST_CASE("a claimed recipe leaves tensors over, and names each for a warning; settings may ignore them") {
  MemoryWeights weights = mtreclib();
  weights.linear("input_layer", 6, 6);
  for (const auto& [settings, recipe] : std::vector<std::pair<std::string, std::string>>{
           {kSettings, "mtreclib"}, {R"({"recipe": "mtreclib", "features": []})", ""}}) {
    BindReport report;
    CHECK(refusal(weights, settings, recipe, &report) == "");
    CHECK(report.unused_tensors == std::vector<std::string>{"input_layer.weight [6, 6]", "input_layer.bias [6]"});
  }
  BindReport report;
  CHECK(refusal(weights, R"({"features": [], "ignore": ["input_layer.*"]})", "", &report) == "");
  CHECK(report.unused_tensors.empty());
}

TEST_CASE("modules of a Sequential in another order than the library's") {
  const std::vector<std::pair<const char*, std::function<MemoryWeights(size_t, size_t)>>> sequences = {
      {"MTReclib", mtreclib}, {"torch-rechub", torch_rechub}, {"FuxiCTR", fuxictr}, {"LibMTL", libmtl}};
  for (const auto& sequence : sequences) {
    const char* const library = sequence.first;  // clang 14 captures no structured binding
    const auto& make = sequence.second;
    CAPTURE(library);
    // Linear, ReLU, BatchNorm1d, Dropout; Linear, Dropout, ReLU, BatchNorm1d; no norm at all but room for one and more.
    for (const size_t norm_at : {2, 3}) {
      const std::string error = refusal(make(norm_at, 4));
      CAPTURE(error);
      CHECK(contains(error, std::string("are not those of ") + library));
      CHECK(contains(error, std::to_string(norm_at) + " is a batch norm"));
    }
    CHECK(contains(refusal(make(1, 7)), "are not those of"));
  }
}

TEST_CASE("norms that a library always has, and norms of some layers only") {
  for (const auto& make : {mtreclib, torch_rechub}) CHECK(contains(refusal(make(0, 4)), "are not those of"));
  CHECK(refusal(fuxictr(0, 3)) == "");  // batch_norm is an option there
  CHECK(refusal(libmtl(0, 2), kOwnSettings) == "");
  MemoryWeights last_is_linear = libmtl();  // an encoder of one's own may end so
  for (const std::string n : {"0", "1"}) last_is_linear.linear("experts_shared." + n + ".6", 4, 4);
  CHECK(refusal(last_is_linear, kOwnSettings) == "");
  const auto without = [](MemoryWeights weights, const std::string& module) {
    for (const char* tensor : {".weight", ".bias", ".running_mean", ".running_var", ".num_batches_tracked"}) {
      weights.remove(module + tensor);
    }
    return weights;
  };
  CHECK(contains(refusal(without(mtreclib(), "expert.1.mlp.5")), "are not those of MTReclib"));
  CHECK(contains(refusal(without(torch_rechub(), "experts.0.mlp.1")), "are not those of torch-rechub"));
  CHECK(contains(refusal(without(fuxictr(), "mmoe_layer.experts.0.mlp.5")), "are not those of FuxiCTR"));
  CHECK_FALSE(refusal(without(torch_rechub(), "gates.0.mlp.1")).empty());
  CHECK(contains(refusal(deepctr_torch({"0"})), "2 batch norms, one per linear layer"));
  CHECK(contains(refusal(deepctr_torch({"1", "2"})), "2 batch norms, one per linear layer"));
  CHECK(contains(refusal(deepctr(false)), "2 batch norms, one per linear layer"));
  CHECK_FALSE(refusal(torcheasyrec("1", false)).empty());
  CHECK_FALSE(refusal(torcheasyrec("2")).empty());  // behind the activation
}

TEST_CASE("layers that the settings describe are the user's to number") {
  const std::string settings =
      R"({"activation": "relu", "last_activation": "relu", "features": [],
          "experts": {"batch_norm_position": "after_activation"}})";
  CHECK(contains(refusal(libmtl(2, 4)), "are not those of LibMTL"));
  CHECK(refusal(libmtl(2, 4), settings) == "");
}

TEST_CASE("what stands behind the last layer of the user's own encoder has to be said") {
  const std::string asked = "last_activation: missing: whether an activation stands behind the last layer";
  CHECK(contains(refusal(libmtl()), asked));
  for (const char* said : {R"("last_activation": "linear")", R"("last_activation": "nn.ReLU")",
                           R"("experts": {"last_activation": "linear"})"}) {
    CHECK(refusal(libmtl(), R"({"activation": "relu", "features": [], )" + std::string(said) + "}") == "");
  }
  // A list has one for each layer, and of an encoder that is a layer alone nothing is left to say.
  CHECK(refusal(libmtl(), R"({"activation": {"experts": ["relu", "linear"]}, "features": []})") == "");
  MemoryWeights alone;
  for (const std::string n : {"0", "1"}) {
    alone.linear("experts_shared." + n, 4, 6).linear("gate_specific." + n + ".0", 2, 6).linear("decoders." + n, 1, 4);
  }
  CHECK(refusal(alone) == "");
  CHECK(contains(refusal(mtreclib(), kOwnSettings), "last_activation: is for libraries whose users write the encoder"));
}

/// PaddleRec's ShareBottom, whose bottom has two names.
MemoryWeights share_bottom() {
  MemoryWeights weights;
  weights.add("bottom.weight", {6, 4}).add("bottom.bias", {4});
  for (const std::string part : {".weight", ".bias"}) {
    const std::vector<float> same = weights.data("bottom" + part);
    weights.add("_param_bottom" + part, part == ".bias" ? std::vector<uint64_t>{4} : std::vector<uint64_t>{6, 4}, same);
  }
  for (const std::string n : {"0", "1"}) {
    weights.add("tower_" + n + ".weight", {4, 3}).add("tower_" + n + ".bias", {3});
    weights.add("tower_out_" + n + ".weight", {3, 2}).add("tower_out_" + n + ".bias", {2});
  }
  return weights;
}

TEST_CASE("what a library saves under two names is left out if both have the same numbers") {
  CHECK(refusal(share_bottom()) == "");
  MemoryWeights differs = share_bottom();
  differs.data("_param_bottom.weight")[23] += 1;
  CHECK(
      contains(refusal(differs),
               "_param_bottom.weight: the library has it as a second name of bottom.weight, which has other numbers"));
  MemoryWeights alone = share_bottom();
  alone.remove("bottom.bias");
  CHECK(contains(refusal(alone), "second name of bottom.bias, which is not there"));
}

/// FuxiCTR's MMoE of two fields that share a table of 40000 rows, which a state dict names twice.
MemoryWeights shared_table() {
  MemoryWeights weights = fuxictr();
  const std::string tables = "embedding_layer.embedding_layer.embedding_layers.";
  weights.add(tables + "item.weight", {40000, 3});
  const std::vector<float> same = weights.data(tables + "item.weight");
  return weights.add(tables + "last.weight", {40000, 3}, same);
}

TEST_CASE("a table that features share is left out if both names have the same numbers") {
  const std::string settings =
      R"({"activation": "relu", "features": [{"name": "item"}, {"name": "last", "shared_with": "item"}]})";
  const std::string last = "embedding_layer.embedding_layer.embedding_layers.last.weight";
  CHECK(refusal(shared_table(), settings) == "");
  for (const size_t at : {0, 65536, 119999}) {
    MemoryWeights differs = shared_table();
    differs.data(last)[at] += 1;
    CHECK(contains(refusal(differs, settings), "\"last\" shares the table of \"item\", but " + last + " and "));
    CHECK(contains(refusal(differs, settings), " differ: each feature has a table of its own"));
  }
  MemoryWeights shorter = shared_table();
  shorter.remove(last).add(last, {39999, 3});
  CHECK(contains(refusal(shorter, settings), " differ: "));
  CHECK(contains(
      refusal(shared_table(),
              R"({"activation": "relu", "features": [{"name": "item"}, {"name": "last", "shared_with": "items"}]})"),
      "\"last\" shares the table of \"items\", but there is no embedding_layer"));
}

TEST_CASE("names too long and tasks too many for any library are refused at once") {
  MemoryWeights weights;
  weights.add("out." + std::string(1000000, 'n') + ".bias", {});
  CHECK(contains(refusal(weights), "has 1000009 bytes"));
  MemoryWeights many;
  for (size_t i = 0; i < 40000; ++i) many.add("out.tt" + std::to_string(i) + ".bias", {1});
  many.add("expert_dnn.0.linears.0.weight", {1, 1});
  CHECK(contains(refusal(many), "40000 tasks"));
}

}  // namespace
}  // namespace mmoe::converter
