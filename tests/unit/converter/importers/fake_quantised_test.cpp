#include "converter/importers/fake_quantised.h"

#include <doctest/doctest.h>

#include <cmath>

#include "tests/unit/converter/description/memory_weights.h"

namespace mmoe::converter {
namespace {

using test::contains;
using test::MemoryWeights;

MemoryWeights weights(std::vector<float> scale, std::vector<float> zero_point) {
  MemoryWeights result;
  result.add("fc.weight", {2, 3}, {0.12F, -0.13F, 1.5F, -50, 0.02F, 0.06F}).add("fc.bias", {2});
  const uint64_t count = scale.size(), points = zero_point.size();
  result.add("fc.weight_fake_quant.scale", {count}, std::move(scale));
  result.add("fc.weight_fake_quant.zero_point", {points}, std::move(zero_point)).type("i32");
  result.add("fc.weight_fake_quant.fake_quant_enabled", {1}, {1}).type("u8");
  result.add("fc.weight_fake_quant.activation_post_process.min_val", {2});
  return result;
}

std::unique_ptr<WeightSource> opened(MemoryWeights weights) {
  return with_fake_quantised("file", std::make_unique<MemoryWeights>(std::move(weights)));
}

std::string error_of(MemoryWeights weights) {
  try {
    opened(std::move(weights));
  } catch (const ConvertError& error) {
    return error.what();
  }
  return "";
}

TEST_CASE("weights are rounded as training rounds them, per output or all alike") {
  const auto source = opened(weights({0.1F, 0.04F}, {0, 0}));
  REQUIRE(source->tensors().size() == 2);  // what describes the rounding is no tensor of the model
  CHECK(source->tensors()[0].coded);
  CHECK_FALSE(source->tensors()[1].coded);
  CHECK(source->read(0) ==
        std::vector<float>{1 * 0.1F, -1 * 0.1F, 15 * 0.1F, -128 * 0.04F, 0 * 0.04F, 2 * 0.04F});  // ties to even
  std::vector<float> part(2);
  source->read(0, 2, 2, part.data());
  CHECK(part == std::vector<float>{15 * 0.1F, -128 * 0.04F});
  const auto alike = opened(weights({0.1F}, {128}));  // of unsigned codes
  CHECK(alike->read(0) == std::vector<float>{0.1F, -0.1F, 15 * 0.1F, -128 * 0.1F, 0, 0.1F});
}

TEST_CASE("training that does not round yet, and weights without it, are as they are") {
  MemoryWeights off = weights({0.1F, 0.04F}, {0, 0});
  off.data("fc.weight_fake_quant.fake_quant_enabled") = {0};
  const auto source = opened(off);
  CHECK(source->read(0)[2] == 1.5F);
  CHECK_FALSE(source->tensors()[0].coded);
  CHECK(opened(MemoryWeights().linear("fc", 2, 3))->tensors().size() == 2);
}

TEST_CASE("what does not fit is refused by name") {
  CHECK(contains(error_of(weights({0.1F, 0}, {0, 0})), "file: tensor 'fc.weight_fake_quant.scale' has the element 0"));
  CHECK(contains(error_of(weights({0.1F, NAN}, {0, 0})), "expected scales above 0"));
  CHECK(contains(error_of(weights({0.1F, 0.1F, 0.1F}, {0, 0, 0})), "'fc.weight_fake_quant.scale': [3], expected one"));
  CHECK(contains(error_of(weights({0.1F, 0.1F}, {0})), "'fc.weight_fake_quant.zero_point': [1], expected"));
  CHECK(contains(error_of(weights({0.1F, 0.1F}, {0, 3})), "zero_point' has the element 3"));
  MemoryWeights folded = weights({0.1F, 0.1F}, {0, 0});
  folded.norm("fc.bn", 2);
  CHECK(contains(error_of(folded), "is rounded in training after its batch norm was multiplied into it"));
}

}  // namespace
}  // namespace mmoe::converter
