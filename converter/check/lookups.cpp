#include "converter/check/lookups.h"

#include <string>

#include "converter/error.h"
#include "mmoe/model.h"

namespace mmoe::converter {
namespace {

[[noreturn]] void fail(const Feature& feature, size_t key, int32_t found) {
  throw ConvertError("the file gives key " + std::to_string(key) + " of feature \"" + feature.name + "\" the id " +
                     std::to_string(found) + ", expected " + std::to_string(feature.vocabulary()->ids[key]) +
                     "; please report this");
}

int32_t look_up(const Model& model, size_t feature, const Vocabulary& vocabulary, size_t key) {
  if (const auto* strings = std::get_if<StringList>(&vocabulary.keys)) return model.find_id(feature, (*strings)[key]);
  const int64_t value = std::get<std::vector<int64_t>>(vocabulary.keys)[key];
  return vocabulary.unsigned_keys ? model.find_id(feature, static_cast<uint64_t>(value))
                                  : model.find_id(feature, value);
}

}  // namespace

void check_lookups(std::string_view file, const TrainedModel& model) {
  LoadOptions options;
  options.copy_if_misaligned = true;
  const Result<Model> loaded = Model::from_bytes(file.data(), file.size(), options);
  if (!loaded) throw ConvertError(std::string("the written file fails to load: ") + loaded.error().message());
  for (size_t feature = 0; feature < model.features.size(); ++feature) {
    const Vocabulary* vocabulary = model.features[feature].vocabulary();
    if (vocabulary == nullptr || !vocabulary->has_keys()) continue;
    for (size_t key = 0; key < vocabulary->ids.size(); ++key) {
      const int32_t found = look_up(*loaded, feature, *vocabulary, key);
      if (found != static_cast<int32_t>(vocabulary->ids[key])) fail(model.features[feature], key, found);
    }
  }
}

}  // namespace mmoe::converter
