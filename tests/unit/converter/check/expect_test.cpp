// --expect: which differences are float rounding, and which are not.
#include "converter/check/expect.h"

#include <doctest/doctest.h>
#include <unistd.h>

#include <cmath>
#include <filesystem>
#include <fstream>

#include "converter/check/feature_order.h"
#include "converter/program/convert.h"
#include "tests/unit/converter/description/memory_weights.h"

namespace mmoe::converter {
namespace {

using test::contains;
using test::MemoryWeights;

/// Files that go when the test ends.
class Files {
 public:
  Files() : folder_(std::filesystem::temp_directory_path() / ("mmoe_expect_test." + std::to_string(getpid()))) {
    std::filesystem::create_directories(folder_);
  }
  ~Files() { std::filesystem::remove_all(folder_); }
  std::string write(const std::string& name, const std::string& text) const {
    const std::filesystem::path path = folder_ / name;
    std::ofstream(path) << text;
    return path.string();
  }

 private:
  std::filesystem::path folder_;
};

/// Two regressions: 1000 x0 + 300 x1, and its negative.
std::vector<uint8_t> regression(const std::string& first, const std::string& second) {
  MemoryWeights weights;
  weights.add("towers.0.weight", {1, 2}, {1000, 300}).add("towers.1.weight", {1, 2}, {-1000, -300});
  const std::string text = R"({"mmoe_description": 1, "towers": {"layers": "towers.{task}"}, "tasks": [
    {"name": ")" + first + R"(", "link": "identity"}, {"name": ")" +
                           second + R"(", "link": "identity"}]})";
  return convert(bind_description_text(text, weights, "m"), {}).file;
}

std::string refusal(const std::string& scores, const Tolerance& tolerance = {}, const std::string& first = "seconds",
                    const std::string& second = "price") {
  const Files files;
  const std::string rows = files.write("rows.csv", "x0,x1\n1,1\n0.25,0\n0,0\n");
  const std::vector<uint8_t> file = regression(first, second);
  try {
    const ExpectReport report = compare_with_expected({reinterpret_cast<const char*>(file.data()), file.size()}, rows,
                                                      files.write("scores.csv", scores), tolerance);
    CHECK(report.num_rows == 3);
    CHECK(report.task_names == std::vector<std::string>{first, second});
  } catch (const std::exception& error) {
    return error.what();
  }
  return "";
}

TEST_CASE("scores of any size may differ by rounding, and by no more") {
  CHECK(refusal("seconds,price\n1300,-1300\n250,-250\n0,0\n") == "");
  CHECK(refusal("seconds,price\n1300.00012,-1299.99988\n250.00003,-250\n1e-4,0\n") == "");  // ulps of 1300
  const std::string error = refusal("seconds,price\n1300.0061,-1300\n250,-250\n0,0\n");
  CHECK(contains(error, "rows.csv:2: task 'seconds': the file gives 1300, "));
  CHECK(contains(error, "says 1300.0061"));
  CHECK(contains(
      error,
      "allowed are 0.0026 (2e-06 + 2e-06 x the size of the task's scores; --tolerance and --relative-tolerance"));
  CHECK(contains(refusal("seconds,price\n1300,-1300\n250,-250\n0.01,0\n"), "task 'seconds'"));
  // The size is the task's own: probabilities beside a regression are compared as probabilities are.
  const Tolerance tolerance;
  CHECK(tolerance.of(0, 0.5) < 4e-6);
  CHECK(tolerance.of(0.25, 500) == doctest::Approx(1e-3).epsilon(0.01));
  CHECK(contains(refusal("seconds,price\n1300,-1300\n250,-250\nnan,0\n"), "task 'seconds'"));
  CHECK(contains(refusal("seconds,price\n1300,-1300\n250,-inf\n0,0\n"), "task 'price'"));
}

TEST_CASE("both tolerances are options") {
  const std::string off = "seconds,price\n1300.5,-1300\n250,-250\n0.25,0\n";
  CHECK(refusal(off, {1, 0}) == "");
  CHECK(refusal(off, {0, 1e-3}) == "");
  CHECK_FALSE(refusal(off, {0, 1e-4}).empty());  // 0.25 where 0 is right
  CHECK(refusal(off, {0.25, 1e-3}) == "");
  CHECK(contains(refusal("seconds,price\n1300.0001,-1300\n250,-250\n0,0\n", {0, 0}), "allowed are 0 "));
}

TEST_CASE("tasks may be named by numbers") {
  CHECK(refusal("17,0.5\n1300,-1300\n250,-250\n0,0\n", {}, "17", "0.5") == "");
  CHECK(contains(refusal("17,-3\n1300,-1300\n250,-250\n0,0\n", {}, "17", "0.5"), "holds only numbers"));
}

// --------------------------------------------------------------------------------------------------- feature order

TrainedModel with_sides(const std::vector<Side>& sides) {
  TrainedModel model;
  for (size_t i = 0; i < sides.size(); ++i) {
    Feature feature;
    feature.name = std::string(1, static_cast<char>('a' + i));
    feature.side = sides[i];
    feature.width = i + 1;
    model.features.push_back(feature);
    model.input_dim += feature.width;
  }
  return model;
}

TEST_CASE("the order of features is told, and which of them the user's part and the candidates' part have") {
  using Lines = std::vector<std::string>;
  CHECK(describe_feature_order(with_sides({Side::kUser, Side::kContext})) ==
        Lines{"order: features and the columns of x as in the description, 2 features"});
  CHECK(describe_feature_order(with_sides({Side::kItem, Side::kUser, Side::kContext})) ==
        Lines{"order: features and the columns of x as in the description, 3 features",
              "  user part (set_user): 2 features, 5 columns of x: b, c",
              "  candidate part: 1 feature, 1 column of x: a"});
  TrainedModel plain;
  plain.input_dim = 9;
  CHECK(describe_feature_order(plain) == Lines{"order: x as the training code has it, 9 columns"});
  plain.shared_dim = 4;
  CHECK(describe_feature_order(plain) == Lines{"order: x as the training code has it, 9 columns",
                                               "  user part (set_user): the first 4 columns",
                                               "  candidate part: the other 5 columns"});
}

}  // namespace
}  // namespace mmoe::converter
