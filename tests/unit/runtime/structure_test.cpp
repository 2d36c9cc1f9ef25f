// What experts read, as the description of each model says it.
#include "mmoe/structure.h"

#include <doctest/doctest.h>

#include "mmoe/mmoe.h"
#include "tests/unit/models.h"

namespace mmoe::test {
namespace {

bool described(const converter::StreamRef& input, std::size_t gate) {
  const auto is_gate = [gate](const auto& part) {
    return part.source == converter::StreamSource::kPrevious && part.index == gate;
  };
  if (input.parts.empty()) return is_gate(input);
  for (const converter::StreamPart& part : input.parts) {
    if (is_gate(part)) return true;
  }
  return false;
}

TEST_CASE("expert_reads: what the description says, of every model") {
  std::size_t num_reading = 0, num_others = 0;
  for (const NamedModel& named : all_models(1)) {
    CAPTURE(named.name);
    const AlignedBytes file = model_file(named.description);
    const Model model = load(file);
    const auto& levels = named.description.levels;
    for (std::size_t level = 1; level < levels.size(); ++level) {
      for (std::size_t expert = 0; expert < levels[level].experts.size(); ++expert) {
        for (std::size_t gate = 0; gate < levels[level - 1].gates.size(); ++gate) {
          CAPTURE(level);
          CAPTURE(expert);
          CAPTURE(gate);
          const bool expected = described(levels[level].experts[expert].input, gate);
          CHECK(expert_reads(model, level, expert, gate) == expected);
          expected ? ++num_reading : ++num_others;
        }
      }
    }
  }
  CHECK(num_reading > 20);
  CHECK(num_others > 20);
}

TEST_CASE("expert_reads: levels, experts and gates that are not there; in C") {
  const AlignedBytes file = model_file(ple_description());
  const Model model = load(file);
  CHECK(expert_reads(model, 1, 2, 2));
  CHECK_FALSE(expert_reads(model, 1, 2, 1));
  constexpr std::size_t kNone = static_cast<std::size_t>(-1);
  for (const std::size_t none : {std::size_t{3}, kNone}) {
    CHECK_FALSE(expert_reads(model, none, 0, 0));
    CHECK_FALSE(expert_reads(model, 1, none, 0));
    CHECK_FALSE(expert_reads(model, 1, 0, none));
  }
  CHECK_FALSE(expert_reads(model, 0, 0, 0));
  mmoe_model* c_model = nullptr;
  REQUIRE(mmoe_model_from_bytes(file.data(), file.size(), nullptr, &c_model) == MMOE_OK);
  CHECK(mmoe_model_expert_reads(c_model, 1, 2, 2) == 1);
  CHECK(mmoe_model_expert_reads(c_model, 1, 2, 1) == 0);
  CHECK(mmoe_model_expert_reads(c_model, 0, 0, 0) == 0);
  CHECK(mmoe_model_expert_reads(nullptr, 1, 2, 2) == 0);
  mmoe_model_free(c_model);
}

}  // namespace
}  // namespace mmoe::test
