#include "converter/description/numbers.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "converter/model/every_layer.h"
#include "converter/model/number_names.h"
#include "converter/reading/keys.h"
#include "converter/reading/text.h"

namespace mmoe::converter {
namespace {

[[noreturn]] void fail_unmatched(const JsonReader& match, const char* what, std::vector<std::string> names) {
  constexpr size_t kMaxListed = 40;
  std::sort(names.begin(), names.end());
  names.erase(std::unique(names.begin(), names.end()), names.end());
  const std::string more =
      names.size() > kMaxListed ? " and " + std::to_string(names.size() - kMaxListed) + " more" : "";
  names.resize(std::min(names.size(), kMaxListed));
  match.fail(std::string("no ") + what + " has a name like this; there are: " + (names.empty() ? "none" : join(names)) +
             more);
}

void bind_layers(const JsonReader& match, WeightType type, const std::string& prefix, TrainedModel& model) {
  std::vector<std::string> names;
  bool any = false;
  for_each_layer(model, [&](DenseLayer& layer) {
    if (layer.storage.made) return;
    names.push_back(layer.name);
    if (!fits_name(match.string(), layer.name, prefix)) return;
    layer.storage.type = type;
    any = true;
  });
  if (!any) fail_unmatched(match, "layer", std::move(names));
}

void bind_tables(const JsonReader& match, TableType type, const std::string& prefix, TrainedModel& model) {
  std::vector<std::string> names;
  bool any = false;
  for (Embedding& embedding : model.embeddings) {
    names.push_back(embedding.name);
    if (!fits_name(match.string(), embedding.name, prefix)) continue;
    embedding.type = type;
    any = true;
  }
  if (!any) fail_unmatched(match, "embedding table", std::move(names));
}

}  // namespace

bool fits_name(const std::string& match, const std::string& name, const std::string& prefix) {
  const auto fits = [&](const std::string& text) {
    const size_t end = text.find_last_of("./");
    return matches_glob(match, text) || (end != text.npos && matches_glob(match, text.substr(0, end)));
  };
  return fits(name) || (!prefix.empty() && name.rfind(prefix, 0) == 0 && fits(name.substr(prefix.size())));
}

void bind_numbers(const JsonReader& numbers, const std::string& prefix, TrainedModel& model) {
  for (const JsonReader& entry : numbers.items()) {
    entry.allow_keys(numbers_keys());
    const JsonReader match = entry.get("match", "the names of layers or tables, where * stands for any text");
    const auto weights = entry.find("weights"), tables = entry.find("tables");
    if (!weights && !tables) entry.fail("neither `weights` nor `tables`: one says the type");
    if (weights) bind_layers(match, static_cast<WeightType>(weights->choice(weight_type_names())), prefix, model);
    if (tables) bind_tables(match, static_cast<TableType>(tables->choice(table_type_names())), prefix, model);
  }
}

void bind_numbers_text(const std::string& text, TrainedModel& model) {
  const nlohmann::json list = parse_json(text);
  const JsonReader numbers(list);
  if (!numbers.is_array()) numbers.fail_expected("a list, as the description's key `numbers`");
  bind_numbers(numbers, "", model);
}

}  // namespace mmoe::converter
