#include "converter/interpretation/interpretation.h"

#include <doctest/doctest.h>

#include <cstdio>
#include <filesystem>
#include <fstream>
#include <string>

#include "converter/importers/open_weights.h"
#include "tests/unit/converter/description/memory_weights.h"

namespace mmoe::converter {
namespace {

using test::contains;
using test::MemoryWeights;

/// What matters here is its key "levels": settings of a recipe have none.
const char* const kDescription = R"({"levels": [], "tasks": ["click"]})";

/// LibMTL's names: a recipe knows them.
MemoryWeights library_weights() {
  MemoryWeights weights;
  for (const std::string n : {"0", "1"}) {
    weights.linear("experts_shared." + n + ".0", 4, 6).linear("experts_shared." + n + ".3", 4, 4);
    weights.linear("gate_specific." + n + ".0", 2, 6).linear("decoders." + n, 1, 4);
  }
  return weights;
}

const char* const kSettings = R"({"activation": "relu", "last_activation": "relu", "features": []})";

std::string refusal(const WeightSource& weights, const OnnxGraph* graph, const InterpretationRequest& request) {
  try {
    interpret(weights, graph, request);
  } catch (const ConvertError& error) {
    return error.what();
  }
  return "";
}

OpenedWeights onnx_weights() { return open_weights(MMOE_TEST_DATA_DIR "/onnx/shared_bottom.onnx"); }

}  // namespace

TEST_CASE("interpretation: a description that is given decides, for a graph too") {
  const Interpretation plain = interpret(MemoryWeights(), nullptr, {"m.pt", kDescription, ""});
  CHECK(plain.method == Method::kDescription);
  CHECK(plain.description == kDescription);
  CHECK(plain.origin == "settings");
  CHECK(plain.recipe.empty());
  const OpenedWeights weights = onnx_weights();
  CHECK(interpret(*weights, weights.graph(), {"m.onnx", kDescription, ""}).method == Method::kDescription);
}

TEST_CASE("interpretation: a description is read from a file, which errors then name") {
  const std::string path = (std::filesystem::temp_directory_path() / "mmoe_interpretation_test.json").string();
  std::ofstream(path) << kDescription;
  const Interpretation read = interpret(MemoryWeights(), nullptr, {"m.pt", path, ""});
  CHECK(read.description == kDescription);
  CHECK(read.origin == path);
  std::ofstream(path) << "{]";
  CHECK(contains(refusal(MemoryWeights(), nullptr, {"m.pt", path, ""}), path + ": "));
  std::remove(path.c_str());
  CHECK(contains(refusal(MemoryWeights(), nullptr, {"m.pt", path, ""}), path));
}

TEST_CASE("interpretation: a graph is taken where nothing else is given") {
  const OpenedWeights weights = onnx_weights();
  const Interpretation graph = interpret(*weights, weights.graph(), {"m.onnx", "", ""});
  CHECK(graph.method == Method::kGraph);
  CHECK(graph.description.empty());
  CHECK(graph.origin == "m.onnx");
  BindReport report;
  const TrainedModel model = read_model(*weights, weights.graph(), graph, "named", report);
  CHECK(model.name == "named");
  CHECK_FALSE(model.tasks.empty());
  // A recipe that is named comes before the graph, and does not fit these tensors.
  CHECK(refusal(*weights, weights.graph(), {"m.onnx", "", "libmtl"}) != "");
}

TEST_CASE("interpretation: a recipe by the tensors' names, by its own name, by settings") {
  const MemoryWeights weights = library_weights();
  const Interpretation told = interpret(weights, nullptr, {"m.pt", kSettings, ""});
  CHECK(told.method == Method::kRecipe);
  CHECK(told.recipe == "libmtl");
  CHECK_FALSE(told.recipe_named);
  CHECK(contains(told.origin, "recipe LibMTL"));
  CHECK(contains(told.notes.at(0), "by the tensors' names alone"));
  const Interpretation named = interpret(weights, nullptr, {"m.pt", kSettings, "libmtl"});
  CHECK(named.recipe_named);
  CHECK(contains(named.notes.at(0), "the recipe that you named"));
  CHECK(named.description == told.description);
}

TEST_CASE("interpretation: notes of the recipe come with the model's") {
  const MemoryWeights weights = library_weights();
  const Interpretation told = interpret(weights, nullptr, {"m.pt", kSettings, ""});
  BindReport report;
  read_model(weights, nullptr, told, "m", report);
  REQUIRE_FALSE(report.notes.empty());
  CHECK(report.notes.front() == told.notes.front());
}

TEST_CASE("interpretation: an unused tensor is refused, unless the user named the recipe") {
  MemoryWeights weights = library_weights();
  weights.linear("projection", 2, 2);
  const auto read = [&](const std::string& recipe, BindReport& report) -> std::string {
    try {
      read_model(weights, nullptr, interpret(weights, nullptr, {"m.pt", kSettings, recipe}), "m", report);
    } catch (const ConvertError& error) {
      return error.what();
    }
    return "";
  };
  BindReport report;
  CHECK(contains(read("", report), "pass --recipe libmtl; else"));
  CHECK(read("libmtl", report) == "");
  CHECK(report.unused_tensors.size() == 2);
}

TEST_CASE("interpretation: what is refused") {
  CHECK(refusal(MemoryWeights().linear("a", 1, 1), nullptr, {"m.pt", "", ""}) != "");
  CHECK(contains(refusal(MemoryWeights(), nullptr, {"m.pt", kDescription, "libmtl"}), "it needs no --recipe"));
  CHECK(contains(refusal(MemoryWeights(), nullptr, {"m.pt", "{]", ""}), "settings: "));
}

}  // namespace mmoe::converter
