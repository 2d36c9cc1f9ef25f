// libFuzzer: any bytes are an error or a model that can be asked everything and scored.
//
// Whatever passed the loader must run without a read or write outside its memory, so the bytes lie in an
// allocation that ends where they end.
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <new>
#include <vector>

#include "mmoe/session.h"

namespace {

constexpr std::size_t kMaxArenaBytes = std::size_t{1} << 24;  // larger plans are right to refuse, not to run
constexpr std::size_t kRows = 3;

struct Deleter {
  void operator()(std::uint8_t* bytes) const { ::operator delete(bytes, std::align_val_t(mmoe::Model::kAlignment)); }
};

std::unique_ptr<std::uint8_t, Deleter> aligned_copy(const std::uint8_t* data, std::size_t size) {
  void* bytes = ::operator new(size, std::align_val_t(mmoe::Model::kAlignment));
  if (size != 0) std::memcpy(bytes, data, size);
  return std::unique_ptr<std::uint8_t, Deleter>(static_cast<std::uint8_t*>(bytes));
}

template <class T>
void read_all(const T* values, std::size_t size) {
  for (std::size_t i = 0; i < size; ++i) {
    volatile T value = values[i];
    static_cast<void>(value);
  }
}

void read_everything(const mmoe::Model& model) {
  read_all(model.name().data(), model.name().size());
  read_all(model.architecture().data(), model.architecture().size());
  for (std::size_t task = 0; task < model.num_tasks(); ++task) {
    if (model.find_task(model.task_name(task)) > task) __builtin_trap();
  }
  for (std::size_t i = 0; i < model.num_features(); ++i) {
    if (model.find_feature(model.feature(i).name) > i) __builtin_trap();
  }
  const mmoe::GoldenRows golden = model.golden_rows();
  read_all(golden.values, golden.num_rows * golden.num_values);
  read_all(golden.ids, golden.num_rows * golden.num_ids);
  read_all(golden.scores, golden.num_rows * model.num_tasks());
  static_cast<void>(model.verify_checksums());
}

// May be out of range: the loader does not walk the vocabularies, and scoring refuses such an id.
std::int32_t some_id(const mmoe::Model& model, std::size_t index) {
  const mmoe::FeatureInfo feature = model.feature(index);
  if (feature.kind == mmoe::FeatureKind::kDense) return 0;
  return feature.string_values ? model.find_id(index, "Private") : model.find_id(index, std::int64_t{1});
}

void score_columns(const mmoe::Model& model, mmoe::Session& session) {
  std::vector<std::vector<float>> values(model.num_features());
  std::vector<std::vector<std::int32_t>> ids(model.num_features());
  std::vector<mmoe::FeatureColumn> columns(model.num_features());
  for (std::size_t i = 0; i < columns.size(); ++i) {
    values[i].assign(kRows * model.feature(i).width, 0.5f);
    ids[i] = {0, mmoe::Model::kUnknownId, some_id(model, i)};
    ids[i].resize(kRows * std::max<std::size_t>(1, model.feature(i).length), mmoe::Model::kNoElement);
    columns[i] = {values[i], ids[i]};
  }
  std::vector<float> scores(kRows * model.num_tasks());
  static_cast<void>(session.score(mmoe::Input::columns(columns, kRows), {scores}));
}

void score(const mmoe::Model& model) {
  mmoe::PlanOptions options;
  options.max_batch = kRows;
  const mmoe::Result<mmoe::Plan> plan = mmoe::Plan::create(model, options);
  if (!plan || plan->arena_bytes() > kMaxArenaBytes || model.input_dim() > kMaxArenaBytes / 64) return;
  mmoe::Result<mmoe::Session> session = mmoe::Session::create(*plan);
  if (!session) return;
  const std::vector<float> x(kRows * model.input_dim(), 0.5f);
  std::vector<float> scores(kRows * model.num_tasks());
  static_cast<void>(session->score(mmoe::Input::x(x, kRows), {scores}));
  if (model.num_features() != 0) score_columns(model, *session);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto bytes = aligned_copy(data, size);
  mmoe::LoadOptions options;
  options.verify_header = false;  // what it covers is to be damaged
  const mmoe::Result<mmoe::Model> model = mmoe::Model::from_bytes(bytes.get(), size, options);
  if (!model) return 0;
  read_everything(*model);
  score(*model);
  return 0;
}
