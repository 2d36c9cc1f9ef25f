// libFuzzer: weights with a description or a recipe's settings, both changed, are a ConvertError, or a file whose
// scores are those of the evaluation in double precision, and which used every tensor that is not ignored.
//
// Bytes choose one of the fixtures of tests/parity and changes to it (mutated_weights.h): what is nearly right is what
// people have.
#include <cstdio>
#include <cstdlib>
#include <optional>

#include "converter/description/bind.h"
#include "converter/error.h"
#include "converter/program/convert.h"
#include "converter/recipes/recipe.h"
#include "tests/fuzz/mutated_weights.h"

namespace {

using namespace mmoe;
using converter::ConvertError;

[[noreturn]] void fail(const std::string& what) {
  std::fprintf(stderr, "fuzz_conversion: %s\n", what.c_str());
  __builtin_trap();
}

// Fixtures are read while the program starts: the last words of the command line are folders of inputs.
const std::vector<fuzz::Fixture>& fixtures() {
  static const std::vector<fuzz::Fixture>* const all = new std::vector<fuzz::Fixture>(
      fuzz::read_fixtures({MMOE_FUZZ_ARCHITECTURES, MMOE_FUZZ_RECIPES, MMOE_FUZZ_QUANTISED, MMOE_FUZZ_PREPROCESSING}));
  return *all;
}

// Messages of the converter's own check: what it wrote is not what it was told. Never right, whatever the input.
void require_refusal_of_input(const ConvertError& error) {
  const std::string text = error.what();
  for (const char* fault : {"can be rounding", "the scalar set's bits", "the written file fails", "internal error"}) {
    if (text.find(fault) != std::string::npos) fail(text);
  }
}

bool matches_glob(std::string_view pattern, std::string_view name) {
  if (pattern.empty()) return name.empty();
  if (pattern.front() != '*') {
    return !name.empty() && pattern.front() == name.front() && matches_glob(pattern.substr(1), name.substr(1));
  }
  for (size_t i = 0; i <= name.size(); ++i) {
    if (matches_glob(pattern.substr(1), name.substr(i))) return true;
  }
  return false;
}

bool ends_with(std::string_view text, std::string_view end) {
  return text.size() >= end.size() && text.substr(text.size() - end.size()) == end;
}

/// A tensor that neither was read nor is ignored was forgotten. A wrapper's prefix may be left out.
bool is_ignored(std::string_view name, const nlohmann::json& description) {
  // State of training (DESCRIPTION.md).
  for (const char* state : {"num_batches_tracked", "n_averaged", "seed_generator_state"}) {
    if (ends_with(name, state)) return true;
  }
  for (const auto& pattern : description.value("ignore", nlohmann::json::array())) {
    const std::string text = pattern.get<std::string>();
    if (matches_glob(text, name) || matches_glob("*." + text, name)) return true;
  }
  return false;
}

void require_all_used(const fuzz::WatchedWeights& weights, const std::string& description) {
  const auto json = nlohmann::json::parse(description);
  for (size_t i = 0; i < weights.tensors().size(); ++i) {
    const std::string& name = weights.tensors()[i].name;
    if (!weights.was_read(i) && !is_ignored(name, json)) fail("converted without tensor " + name);
  }
}

std::string describe(const fuzz::WatchedWeights& weights, const std::string& text,
                     const std::filesystem::path& folder) {
  if (!converter::is_recipe_settings(text)) return text;
  return converter::describe_by_recipe(weights, "", text, folder).description;
}

/// Files in memory, by their names.
converter::OpenFile opener(std::map<std::string, nlohmann::ordered_json> files) {
  return [files = std::move(files)](const std::string& name) {
    const auto found = files.find(name);
    if (found == files.end()) throw ConvertError(name + " is not there");
    const auto text = std::make_shared<const std::string>(
        found->second.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace));
    return converter::SharedBytes{text, *text};
  };
}

void convert(const fuzz::WatchedWeights& weights, const std::string& text, const std::filesystem::path& folder,
             const converter::OpenFile& open, const converter::NumberOptions& numbers) {
  const std::string description = describe(weights, text, folder);
  converter::BindReport report;
  const converter::TrainedModel model =
      converter::bind_description_text(description, weights, "fuzz", &report, converter::UnusedTensors::kRefuse, open);
  converter::ConvertOptions options;
  options.num_golden_rows = 3;
  options.numbers = numbers;
  const converter::Converted converted = converter::convert(model, {"fuzz", 0, 0}, options);
  if (converted.file.empty()) fail("an empty file");
  require_all_used(weights, description);
}

}  // namespace

extern "C" int LLVMFuzzerInitialize(int*, char***) {
  if (fixtures().size() < 20) fail("no fixtures");
  return 0;
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  fuzz::ByteSource bytes(data, size);
  fuzz::Fixture fixture = fixtures()[bytes.below(fixtures().size())];
  fixture.mutate_tensors(bytes);
  fixture.mutate_description(bytes);
  const std::string text = fixture.description.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
  const std::filesystem::path folder = fixture.folder;
  const converter::NumberOptions numbers{static_cast<converter::WeightType>(bytes.below(5)),
                                         static_cast<converter::TableType>(bytes.below(4))};
  const converter::OpenFile open = opener(fixture.files);
  const fuzz::WatchedWeights weights(std::move(fixture));
  try {
    convert(weights, text, folder, open, numbers);
  } catch (const ConvertError& error) {
    require_refusal_of_input(error);
  }
  return 0;
}
