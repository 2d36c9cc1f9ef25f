// Features whose raw numbers pass a function: the bits of the x that they stand for, on every exact kernel set.
#include <cmath>
#include <cstring>
#include <limits>
#include <string>

#include <doctest/doctest.h>

#include "kernels/number_functions.h"
#include "mmoe/session.h"
#include "schema/mmoe_generated.h"
#include "tests/unit/kernel_sets.h"
#include "tests/unit/models.h"

namespace mmoe::test {
namespace {

using converter::DenseFeature;
using converter::Scaling;

// x of one feature's raw value, as schema/mmoe.fbs defines it.
float encoded(const Scaling& scaling, float value) {
  value = std::isnan(value) ? scaling.missing : value;
  value = value < scaling.lower ? scaling.lower : value;
  value = value > scaling.upper ? scaling.upper : value;
  float result = kernels::apply(scaling.function, scaling.exponent, value);
  if (const std::size_t count = scaling.points.size(); count != 0) {
    std::vector<double> points(2 * count);
    for (std::size_t i = 0; i < count; ++i) {
      points[i] = scaling.points[i].first;
      points[count + i] = scaling.points[i].second;
    }
    const bool normal = scaling.function == kernels::NumberFunction::kNormalPoints;
    result = kernels::interpolate({points.data(), count}, normal, value);
  }
  return (result - scaling.offset) * scaling.factor;
}

TEST_CASE("columns: functions of raw numbers have the bits of the x they stand for, on every exact kernel set") {
  const converter::TrainedModel description = function_description();
  const AlignedBytes file = model_file(description);
  const Model model = load(file);
  constexpr std::size_t kRows = 67;
  Random random(5);
  std::vector<std::vector<float>> values;
  for (const converter::Feature& feature : description.features) {
    values.push_back(random.floats(kRows * feature.width, 0.01f, 40));
    values.back()[3] = std::numeric_limits<float>::quiet_NaN();  // missing
    if (values.size() > 1) values.back()[4] = -5;                // clipped, or of a function that takes it; not log
  }
  std::vector<float> x;
  for (std::size_t row = 0; row < kRows; ++row) {
    for (std::size_t i = 0; i < values.size(); ++i) {
      const std::size_t width = description.features[i].width;
      const Scaling& scaling = std::get<DenseFeature>(description.features[i].kind).scaling;
      for (std::size_t j = 0; j < width; ++j) x.push_back(encoded(scaling, values[i][row * width + j]));
    }
  }
  std::vector<FeatureColumn> columns(values.size());
  for (std::size_t i = 0; i < values.size(); ++i) columns[i].values = values[i];
  for (const char* kernel_set : exact_kernel_sets()) {
    for (const std::size_t max_batch : {std::size_t{1}, std::size_t{7}, kRows}) {
      SessionOptions options;
      options.kernel_set = kernel_set;
      options.max_batch = max_batch;
      Result<Session> session = Session::create(model, options);
      REQUIRE(session.ok());
      std::vector<float> expected(kRows * 2), found(kRows * 2);
      REQUIRE(session->score(Input::x(x, kRows), {expected}).ok());
      REQUIRE(session->score(Input::columns(columns, kRows), {found}).ok());
      CHECK(std::memcmp(found.data(), expected.data(), found.size() * sizeof(float)) == 0);
      for (const float score : expected) CHECK(std::isfinite(score));
    }
  }
}

TEST_CASE("columns: a number outside of a function's domain is not finite, as the session's option says") {
  const AlignedBytes file = model_file(function_description());
  const Model model = load(file);
  std::vector<std::vector<float>> values;
  std::vector<FeatureColumn> columns;
  for (std::size_t i = 0; i < model.num_features(); ++i) values.emplace_back(2 * model.feature(i).width, 1.0f);
  for (const std::vector<float>& value : values) columns.push_back({value, {}});
  SessionOptions options;
  std::vector<float> scores(4);
  values[0][1] = 0;  // log of it
  Result<Session> session = Session::create(model, options);
  REQUIRE(session->score(Input::columns(columns, 2), {scores}).ok());
  CHECK(std::isfinite(scores[0]));
  CHECK_FALSE(std::isfinite(scores[2]));
  options.non_finite = NonFinite::kError;
  Result<Session> strict = Session::create(model, options);
  const Status status = strict->score(Input::columns(columns, 2), {scores});
  CHECK(status.error().code() == ErrorCode::kNonFinite);
  CHECK(std::string(status.error().message()) == "feature \"log\", row 1: the input is missing, NaN or infinite");
}

TEST_CASE("Model: is_missing refuses no missing value") {
  const AlignedBytes file = model_file(function_description());
  const Model model = load(file);
  CHECK_FALSE(model.feature(model.find_feature("is_missing")).refuses_missing);
  CHECK(model.feature(model.find_feature("is_missing")).source == "sqrt");
}

TEST_CASE("hostile: functions that are not known and exponents that are none are refused by name") {
  const auto refused = [](flatbuffers::uoffset_t feature, flatbuffers::voffset_t field, auto value, ErrorCode code) {
    const AlignedBytes file = model_file(function_description(), 1);
    const schema::Model& root = *schema::GetSizePrefixedModel(file.data());
    auto* table =
        reinterpret_cast<flatbuffers::Table*>(const_cast<schema::Scaling*>(root.features()->Get(feature)->scaling()));
    REQUIRE(table->SetField<decltype(value)>(field, value, decltype(value){99}));
    seal(file);
    const Result<Model> model = Model::from_bytes(file.data(), file.size());
    REQUIRE_FALSE(model.ok());
    CHECK(model.error().code() == code);
    return std::string(model.error().message());
  };
  using schema::Scaling;
  CHECK(refused(1, Scaling::VT_FUNCTION, std::uint8_t{13}, ErrorCode::kUnsupported) ==
        "features[1].scaling.function: 13");
  CHECK(refused(1, Scaling::VT_FUNCTION, std::uint8_t{11}, ErrorCode::kDamaged) ==
        "features[1].scaling.points: wrong tensor");
  for (const std::int32_t tensor : {-1, 0, 100000}) {
    CHECK(refused(10, Scaling::VT_POINTS, tensor, ErrorCode::kDamaged) == "features[10].scaling.points: wrong tensor");
  }
  for (const float exponent : {0.0f, -0.0f, HUGE_VALF, -HUGE_VALF, std::numeric_limits<float>::quiet_NaN()}) {
    CHECK(refused(5, Scaling::VT_EXPONENT, exponent, ErrorCode::kDamaged) ==
          "features[5].scaling.exponent: 0 or not finite");
  }
}

}  // namespace
}  // namespace mmoe::test
