#include <cstring>

#include <doctest/doctest.h>

#include "converter/error.h"
#include "converter/program/convert.h"
#include "mmoe/session.h"
#include "schema/mmoe_generated.h"
#include "tests/unit/kernel_sets.h"
#include "tests/unit/models.h"

namespace mmoe::converter {
namespace {

TEST_CASE("serialize: the same description gives the same bytes") {
  for (const test::NamedModel& named : test::all_models()) {
    CAPTURE(named.name);
    CHECK(convert(named.description, {"w.pt", 1, 2}).file == convert(named.description, {"w.pt", 1, 2}).file);
  }
}

TEST_CASE("serialize: segments and tensors are aligned, embedding tables to pages") {
  const std::vector<uint8_t> file = convert(test::feature_description(), {"w.pt", 1, 2}).file;
  const test::AlignedBytes aligned(file);
  const schema::Model& root = *schema::GetSizePrefixedModel(aligned.data());
  for (const schema::Segment* segment : *root.segments()) {
    CHECK(segment->offset() % 64 == 0);
    if (segment->name()->str() == "embeddings") CHECK(segment->offset() % 4096 == 0);
  }
  for (const schema::Tensor* tensor : *root.tensors()) CHECK(tensor->offset() % 64 == 0);
  CHECK(root.shared_dim() == 23);
  CHECK(root.provenance()->weights_file()->str() == "w.pt");
  CHECK(root.provenance()->weights_xxh64() == 1);
}

TEST_CASE("check_file: a file that does not compute the description is refused, naming row and task") {
  const TrainedModel description = test::mmoe_description({});
  TrainedModel other = description;
  other.levels[0].experts[1].layers[0].weight.data[7] += 0.5f;
  const LoweredModel lowered = lower(other);
  const RawRows rows = random_rows(description, 8, 1);
  Golden golden = make_golden(other, rows);
  const std::vector<uint8_t> bytes = serialize(lowered, golden, {});
  const std::string_view file(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  CHECK_THROWS_WITH_AS(check_file(file, evaluate(description, rows), golden),
                       doctest::Contains("golden row 1, task 'task 0': the file gives"), ConvertError);
  CHECK_NOTHROW(check_file(file, evaluate(other, rows), golden));
}

TEST_CASE(
    "check_file: a file that costs more than the limits is refused, also without golden rows; a raised limit takes "
    "it") {
  for (const size_t num_golden_rows : {size_t{0}, size_t{4}}) {
    ConvertOptions options;
    options.num_golden_rows = num_golden_rows;
    options.limits.max_multiply_adds = 10;
    CHECK_THROWS_WITH_AS(convert(test::mmoe_description({}), {}, options),
                         doctest::Contains("the model is not written: --max-multiply-adds: 10, the model needs "),
                         ConvertError);
    options.limits = tools::no_limits();
    CHECK_NOTHROW(convert(test::mmoe_description({}), {}, options));
  }
}

TEST_CASE("golden rows in the file give their scores on every exact kernel set, to the bit") {
  const test::AlignedBytes file = test::model_file(test::mmoe_description({}), 20);
  const Model model = test::load(file);
  const GoldenRows golden = model.golden_rows();
  REQUIRE(golden.num_rows == 20);
  for (const char* kernel_set : test::exact_kernel_sets()) {
    SessionOptions options;
    options.kernel_set = kernel_set;
    Result<Session> session = Session::create(model, options);
    REQUIRE(session.ok());
    std::vector<float> scores(20 * 2);
    REQUIRE(session->score(Input::golden(golden, 0, 20), {scores}).ok());
    CHECK(std::memcmp(scores.data(), golden.scores, scores.size() * sizeof(float)) == 0);
  }
}

}  // namespace
}  // namespace mmoe::converter
