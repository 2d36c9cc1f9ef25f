// What a build says of models that need a transform which it leaves out (MMOE_TRANSFORMS=).
#include <cstdio>
#include <cstring>

#include "tests/unit/models.h"

namespace {

bool refused(const mmoe::converter::TrainedModel& description, const char* message) {
  const mmoe::test::AlignedBytes file = mmoe::test::model_file(description, 0);
  const mmoe::Result<mmoe::Model> model = mmoe::Model::from_bytes(file.data(), file.size());
  const bool as_expected = !model && model.error().code() == mmoe::ErrorCode::kUnsupported &&
                           std::strcmp(model.error().message(), message) == 0;
  std::printf("%s: %s\n", description.name.c_str(), model ? "loaded" : model.error().message());
  return as_expected;
}

}  // namespace

int main() {
  const mmoe::test::AlignedBytes plain = mmoe::test::model_file(mmoe::test::feature_description(), 0);
  if (!mmoe::Model::from_bytes(plain.data(), plain.size()).ok()) return 1;
  const bool all =
      refused(mmoe::test::hashed_description(), "features[0].vocabulary: hash buckets are not in this build") &&
      refused(mmoe::test::function_description(),
              "features[0].scaling.function: functions of numbers are not in this build") &&
      refused(mmoe::test::binned_description(), "features[0].vocabulary: bins are not in this build");
  return all ? 0 : 1;
}
