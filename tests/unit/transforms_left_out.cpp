// What a build says of models that need a transform which it leaves out (MMOE_TRANSFORMS=).
#include <cstdio>
#include <cstring>

#include "converter/program/convert.h"
#include "converter/writer/writer.h"
#include "tests/unit/models.h"

namespace {

using mmoe::converter::TrainedModel;

// Not checked: the check would load it.
mmoe::test::AlignedBytes file_of(const TrainedModel& description) {
  return mmoe::test::AlignedBytes(mmoe::converter::serialize(mmoe::converter::lower(description), {}, {}));
}

bool refused(const TrainedModel& description, const char* message) {
  const mmoe::test::AlignedBytes file = file_of(description);
  const mmoe::Result<mmoe::Model> model = mmoe::Model::from_bytes(file.data(), file.size());
  std::printf("%s: %s\n", description.name.c_str(), model ? "loaded" : model.error().message());
  return !model && model.error().code() == mmoe::ErrorCode::kUnsupported &&
         std::strcmp(model.error().message(), message) == 0;
}

TrainedModel with_empty_id() {
  TrainedModel model = mmoe::test::sequence_description();
  std::get<mmoe::converter::SequenceFeature>(model.features[1].kind).empty_id = 2;
  return model;
}

}  // namespace

int main() {
  const mmoe::test::AlignedBytes plain = file_of(mmoe::test::feature_description());
  if (!mmoe::Model::from_bytes(plain.data(), plain.size()).ok()) return 1;
  const bool all =
      refused(mmoe::test::hashed_description(), "features[0].vocabulary: hash buckets are not in this build") &&
      refused(mmoe::test::function_description(),
              "features[0].scaling.function: functions of numbers are not in this build") &&
      refused(mmoe::test::unknown_buckets_description(),
              "features[0].vocabulary: hash buckets are not in this build") &&
      refused(mmoe::test::date_description(), "features[0].vocabulary: dates are not in this build") &&
      refused(mmoe::test::binned_description(), "features[0].vocabulary: bins are not in this build") &&
      refused(mmoe::test::weighted_description(),
              "features[1].pooling: sqrtn, weights and empty_id are not in this build") &&
      refused(with_empty_id(), "features[1].pooling: sqrtn, weights and empty_id are not in this build");
  return all ? 0 : 1;
}
