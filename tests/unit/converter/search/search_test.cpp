// Searches for types on models of which the right answer is known.
#include "converter/search/search.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <string>

#include "converter/check/score_rows.h"
#include "converter/description/numbers.h"
#include "converter/model/every_layer.h"
#include "converter/program/convert.h"
#include "converter/search/patterns.h"
#include "converter/search/search_page.h"
#include "runtime/tools/support/error.h"
#include "tests/unit/kernel_sets.h"
#include "tests/unit/models.h"
#include "tests/unit/tools/temporary_file.h"

namespace mmoe::converter {
namespace {

using mmoe::test::available_kernel_sets;
using mmoe::test::exact_kernel_sets;
using mmoe::test::Random;
using tools::test::TemporaryDirectory;

constexpr size_t kInputs = 32;

DenseLayer layer_of(const std::string& name, size_t outputs, size_t inputs, std::vector<float> weights) {
  DenseLayer layer;
  layer.name = name;
  layer.weight = {outputs, inputs, std::move(weights)};
  layer.bias.resize(outputs);
  return layer;
}

// An expert whose weights are 1, 0, -1 and one per output that f16 has and i8 beside them has not, and a tower whose
// weights have digits that f16 lacks.
TrainedModel plain_model() {
  Random random(11);
  std::vector<float> coarse, fine;
  for (size_t i = 0; i < kInputs * kInputs; ++i) coarse.push_back(static_cast<float>(random.below(3)) - 1);
  for (size_t i = 0; i < kInputs; ++i) {
    coarse[i * kInputs] = 1;  // each output has a weight
    coarse[i * kInputs + 1] = 0x1p-20F;
    fine.push_back(1 + (static_cast<float>(i) + 1) * 0x1p-14F);
  }
  TrainedModel model;
  model.name = "plain";
  model.input_dim = kInputs;
  Level level;
  level.experts.push_back({"expert", {}, {layer_of("experts.0.weight", kInputs, kInputs, coarse)}});
  Gate gate;
  gate.name = "gate";
  gate.constant_weights = {1};
  gate.experts = {0};
  level.gates.push_back(gate);
  model.levels.push_back(level);
  model.towers.push_back({"tower", 0, {layer_of("towers.0.weight", 1, kInputs, fine)}});
  model.tasks.push_back({"y", identity_link(0)});
  return model;
}

// `value`: of row and column.
template <class Value>
std::string rows_csv(size_t num_rows, const Value& value, const std::string& more_name = "",
                     const std::vector<std::string>& more = {}, size_t num_inputs = kInputs) {
  std::string text;
  for (size_t i = 0; i < num_inputs; ++i) text += (i == 0 ? "x" : ",x") + std::to_string(i);
  text += more_name.empty() ? "\n" : "," + more_name + "\n";
  for (size_t row = 0; row < num_rows; ++row) {
    for (size_t i = 0; i < num_inputs; ++i) text += (i == 0 ? "" : ",") + std::to_string(value(row, i));
    text += more.empty() ? "\n" : "," + more[row] + "\n";
  }
  return text;
}

std::string random_rows_csv(size_t num_rows) {
  Random random(3);
  return rows_csv(num_rows, [&](size_t, size_t) { return random.uniform(-1, 1); });
}

TrialOptions options_of(const std::string& rows, const std::vector<std::string>& budget) {
  TrialOptions options;
  options.rows_path = rows;
  options.budget = parse_budget(budget);
  return options;
}

std::string type_of(const SearchResult& result, const std::string& part) {
  for (size_t i = 0; i < result.parts.size(); ++i) {
    if (result.parts[i].name == part) return type_name(result.parts[i], result.choice().choice[i]);
  }
  return "no such part";
}

std::string refusal(const TrainedModel& model, const TrialOptions& options) {
  try {
    search(model, {"w", 0, 0}, options);
  } catch (const tools::ToolError& error) {
    return error.what();
  }
  return "";
}

bool has(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

std::vector<WeightType> layer_types(TrainedModel model) {
  std::vector<WeightType> types;
  for_each_layer(model,
                 [&](const DenseLayer& layer) { types.push_back(layer.storage.type.value_or(WeightType::kF32)); });
  return types;
}

TEST_CASE("search: what can be small becomes small, what cannot stays f32") {
  const TemporaryDirectory folder;
  const std::string rows = folder.write("rows.csv", random_rows_csv(300));
  const TrainedModel model = plain_model();
  // i8 rounds a sum of 32 terms about 1e-6 of its size; f16 of the tower's weights is wrong by up to 2^-11 of them.
  const SearchResult result = search(model, {"w", 0, 0}, options_of(rows, {"score=0.0002"}));
  CHECK(type_of(result, "experts.0.weight") == "i8");
  CHECK(type_of(result, "towers.0.weight") == "f32");
  CHECK(result.share <= 1);
  CHECK(result.losses[0].largest <= 0.0002);
  CHECK(result.choice().file_bytes < result.f32_bytes);
  // With more to spend, the tower's too; with enough, inputs are rounded as well.
  const SearchResult more = search(model, {"w", 0, 0}, options_of(rows, {"score=1000"}));
  CHECK(more.choice().file_bytes <= result.choice().file_bytes);
  CHECK(type_of(more, "towers.0.weight") != "f32");
  // Nothing at all: 1 and -1 are numbers of f16, so that no sum changes.
  const SearchResult none = search(model, {"w", 0, 0}, options_of(rows, {"score=0"}));
  CHECK(type_of(none, "experts.0.weight") == "f16");
  CHECK(type_of(none, "towers.0.weight") == "f32");
  CHECK(none.losses[0].largest == 0);
  REQUIRE(none.nearest() != nullptr);
  CHECK(none.nearest()->name == "experts.0.weight: f16");
}

TEST_CASE("search: the same model, rows and budget give the same choices") {
  const TemporaryDirectory folder;
  const TrainedModel model = mmoe::test::ple_description();
  Random random(8);
  const auto value = [&](size_t, size_t) { return random.uniform(-1, 1); };
  const std::string rows = folder.write("rows.csv", rows_csv(60, value, "", {}, model.input_dim));
  const auto run = [&] { return search(model, {"w", 0, 0}, options_of(rows, {"score=0.003"})); };
  const SearchResult first = run(), second = run();
  CHECK(first.chosen == second.chosen);
  REQUIRE(first.tried.size() == second.tried.size());
  for (size_t i = 0; i < first.tried.size(); ++i) {
    CHECK(first.tried[i].choice == second.tried[i].choice);
    CHECK(first.tried[i].losses[0].largest == second.tried[i].losses[0].largest);
    CHECK(first.tried[i].file_bytes == second.tried[i].file_bytes);
  }
  CHECK(first.share <= 1);
  CHECK(first.choice().file_bytes < first.f32_bytes);
}

TEST_CASE("search: the numbers that it prints give the choice again, and the file that was tried") {
  const TemporaryDirectory folder;
  const std::string rows = folder.write("rows.csv", random_rows_csv(50));
  const TrainedModel model = plain_model();
  const SearchResult result = search(model, {"w", 0, 0}, options_of(rows, {"score=0.0002"}));
  TrainedModel chosen = model, again = model;
  apply(result.parts, result.choice().choice, chosen);
  bind_numbers_text(numbers_json(chosen), again);
  CHECK(layer_types(again) == layer_types(chosen));
  CHECK(numbers_json(chosen) == "[\n  {\"match\": \"experts.0.weight\", \"weights\": \"i8\"}\n]");
  ConvertOptions options;
  options.rows_file = "rows.csv";
  options.measure = [&](std::string_view file, std::string_view f32, ScoreDifferences& differences) {
    add_rows(file, f32, rows, {}, differences);
  };
  const Converted converted = convert(again, {"w", 0, 0}, options);
  CHECK(converted.file.size() == result.choice().file_bytes);
  CHECK(converted.change.num_rows == 58);
  // The certificate's golden rows are scored by the scalar kernels, the search's by this machine's fastest set, which
  // has the same bits only if it is exact (not on x86-64 without FMA).
  if (available_kernel_sets()[0] != exact_kernel_sets()[0]) return;
  CHECK(double{converted.change.largest[0]} >= result.losses[0].largest);  // rounded up
  CHECK(double{converted.change.largest[0]} <= result.losses[0].largest * (1 + 0x1p-22) + 1e-45);
}

TEST_CASE("search: a goal of bytes is reached with the least harm, and one out of reach says by how much") {
  const TemporaryDirectory folder;
  const std::string rows = folder.write("rows.csv", random_rows_csv(100));
  const TrainedModel model = plain_model();
  const SearchResult small = search(model, {"w", 0, 0}, options_of(rows, {"score=0.0002"}));
  const std::string goal = "bytes=" + std::to_string(small.choice().file_bytes);
  const SearchResult reached = search(model, {"w", 0, 0}, options_of(rows, {goal}));
  CHECK(reached.choice().file_bytes <= small.choice().file_bytes);
  CHECK(type_of(reached, "experts.0.weight") == "i8");
  CHECK(type_of(reached, "towers.0.weight") == "f32");  // its bytes are not needed
  const SearchResult easy = search(model, {"w", 0, 0}, options_of(rows, {"bytes=1GB"}));
  CHECK(easy.losses[0].largest == 0);  // nothing needs to be lost
  CHECK(has(refusal(model, options_of(rows, {"bytes=1kB"})), "The nearest has "));
  const std::string both = refusal(model, options_of(rows, {"bytes=1kB", "score=0"}));
  CHECK(has(both, "no choice of types keeps the budget score=0, bytes=1000. The nearest has "));
  CHECK(has(both, " too many"));
}

TEST_CASE("search: types that the description says are kept, and only the rest is searched") {
  const TemporaryDirectory folder;
  const std::string rows = folder.write("rows.csv", random_rows_csv(50));
  TrainedModel model = plain_model();
  model.levels[0].experts[0].layers[0].storage.type = WeightType::kF16;
  const SearchResult result = search(model, {"w", 0, 0}, options_of(rows, {"score=0.0002"}));
  REQUIRE(result.parts.size() == 1);
  apply(result.parts, result.choice().choice, model);
  CHECK(layer_types(model) == std::vector<WeightType>{WeightType::kF16, WeightType::kF32});
  model = plain_model();
  model.towers[0].layers[0].storage.type = WeightType::kI8;
  CHECK(has(refusal(model, options_of(rows, {"score=0.0002"})), "Types that the description says already lose"));
}

TEST_CASE("search: rows that do not fit memory are thinned out, and the result holds on all of them") {
  const TemporaryDirectory folder;
  // Blocks of 256 rows, of which the first, third, ... stay. One row of the second makes i8 of the tower harmful.
  const auto value = [](size_t row, size_t) { return row == 300 ? 1.0F : row > 256 * 8 ? 0.001F : 0.002F; };
  const std::string rows = folder.write("rows.csv", rows_csv(256 * 10, value));
  TrialOptions options = options_of(rows, {"score=0.00001"});
  options.num_golden_rows = 0;
  const TrainedModel model = plain_model();
  const SearchResult whole = search(model, {"w", 0, 0}, options);
  CHECK(whole.num_kept == whole.num_rows);
  options.most_row_bytes = 256 * 40 * 4 * 3;
  const SearchResult thinned = search(model, {"w", 0, 0}, options);
  CHECK(thinned.num_rows == 2560);
  CHECK(thinned.num_kept < 1300);
  CHECK(thinned.share <= 1);
  CHECK(thinned.losses[0].largest <= 0.00001);
  CHECK(std::isnan(thinned.losses[0].quality));  // no labels, no AUC
  CHECK(type_of(thinned, "towers.0.weight") == type_of(whole, "towers.0.weight"));
  CHECK(type_of(thinned, "towers.0.weight") == "f32");
  // Without the check on all rows the tower would have become small.
  CHECK(std::any_of(thinned.tried.begin(), thinned.tried.end(),
                    [](const Tried& tried) { return tried.keeps_limits() && tried.choice[1] != 0; }));
}

TEST_CASE("search: labels limit the loss of R squared, and the file says it before and after") {
  const TemporaryDirectory folder;
  Random random(3);
  std::vector<std::string> labels;
  for (size_t i = 0; i < 200; ++i) labels.push_back(i % 7 == 0 ? "" : std::to_string(random.uniform(-3, 3)));
  const std::string rows =
      folder.write("rows.csv", rows_csv(
                                   200, [&](size_t, size_t) { return random.uniform(-1, 1); }, "label_y", labels));
  const TrainedModel model = plain_model();
  const SearchResult result = search(model, {"w", 0, 0}, options_of(rows, {"r2=0.000001"}));
  CHECK(result.tasks[0].num_labels == 171);
  CHECK(result.tasks[0].label_column == "label_y");
  CHECK(result.losses[0].quality <= 0.000001);
  const std::string page = search_page(result, {"a <b>", "rows.csv", "out.mmoe", "[]"});
  CHECK(has(page, "R² lost"));
  CHECK(has(page, "a &lt;b&gt;"));
  CHECK_FALSE(has(page, "a <b>"));
  CHECK_FALSE(has(page, "<script"));
  TrialOptions none = options_of(rows, {"r2=0.1"});
  none.labels = {"y="};
  CHECK(has(refusal(model, none), "--label TASK=COLUMN"));
  none.labels = {"y=nothing"};
  CHECK(has(refusal(model, none), "nothing"));
}

TEST_CASE("search: rows that there are not") {
  const TemporaryDirectory folder;
  const TrainedModel model = plain_model();
  const std::string empty = folder.write("empty.csv", random_rows_csv(0));
  CHECK(has(refusal(model, options_of(empty, {})), "empty.csv: no rows"));
  const std::string wrong = folder.write("wrong.csv", "x0,x1\n1,2\n");
  CHECK(has(refusal(model, options_of(wrong, {})), "wrong.csv"));
  const std::string few = folder.write("few.csv", random_rows_csv(5));
  CHECK(has(refusal(model, options_of(few, {"us=1@64"})), "5 rows, too few for calls of 64 rows"));
}

TEST_CASE("search: tables, layers of many experts and every architecture have parts that cover them") {
  for (const mmoe::test::NamedModel& named : mmoe::test::all_models()) {
    INFO(named.name);
    for (const size_t most : {size_t{1000}, size_t{1}}) {
      const std::vector<Part> parts = find_parts(named.description, most);
      std::vector<size_t> layers, tables;
      for (const Part& part : parts) {
        CHECK_FALSE(part.types.empty());
        CHECK(part.numbers > 0);
        (part.is_table ? tables : layers)
            .insert((part.is_table ? tables : layers).end(), part.members.begin(), part.members.end());
      }
      std::sort(layers.begin(), layers.end());
      std::sort(tables.begin(), tables.end());
      CHECK(tables.size() == named.description.embeddings.size());
      CHECK(layers.size() == layer_types(named.description).size());
      CHECK(std::unique(layers.begin(), layers.end()) == layers.end());
      // Patterns say any choice.
      Choice choice;
      for (size_t i = 0; i < parts.size(); ++i) {
        choice.push_back(i % 3 == 0 ? uint8_t{0} : parts[i].types[i % parts[i].types.size()]);
      }
      TrainedModel chosen = named.description, again = named.description;
      apply(parts, choice, chosen);
      const std::string json = numbers_json(chosen);
      if (json != "[]") bind_numbers_text(json, again);
      CHECK(layer_types(again) == layer_types(chosen));
      for (size_t i = 0; i < chosen.embeddings.size(); ++i) {
        CHECK(again.embeddings[i].type.value_or(TableType::kF32) == chosen.embeddings[i].type);
      }
    }
  }
}

TEST_CASE("patterns: names that differ in numbers alone") {
  CHECK(common_pattern({"a.0.w", "a.1.w", "a.12.w"}) == "a.*.w");
  CHECK(common_pattern({"a.0.w"}) == "a.0.w");
  CHECK(common_pattern({"a.0.w", "b.0.w"}).empty());
  CHECK(common_pattern({"a1b2", "a1b3"}) == "a1b*");
}

}  // namespace
}  // namespace mmoe::converter
