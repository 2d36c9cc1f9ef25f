// What a small file can ask for, since layers, lists and tables may be shared: refused by limits that models are far from.
#include <algorithm>
#include <array>
#include <chrono>
#include <cstring>
#include <string>

#include <doctest/doctest.h>

#include "kernels/panel16.h"
#include "mmoe/session.h"
#include "runtime/src/core/xxh64.h"
#include "schema/mmoe_generated.h"
#include "tests/unit/models.h"

namespace mmoe::test {
namespace {

using flatbuffers::Offset;

struct SharedSizes {
  std::uint32_t levels = 1, experts = 1, gates = 1, layers = 1;
  std::uint32_t width = 16;  ///< of x and of every layer
  std::uint32_t top_k = 0;
  std::uint32_t length = 0;  ///< of a sequence that is all of x; 0: no features
};

/// A valid file in which all layers are one, and all gates list all experts. The e-th expert reads the e-th gate of the
/// level before, so that all are needed.
class SharedModel {
 public:
  explicit SharedModel(const SharedSizes& sizes) : sizes_(sizes) {}

  AlignedBytes file() {
    // Weights of the layers, of gates' logits, and a bias for both.
    const std::uint64_t layer = floats(sizes_.width) * sizes_.width, gate = floats(sizes_.experts) * sizes_.width;
    const std::uint64_t bias = floats(std::max(sizes_.width, sizes_.experts));
    places_ = {0, layer, layer + gate, layer + gate + bias};
    std::vector<std::uint8_t> header = write(0);
    const std::uint64_t at = (header.size() + 63) / 64 * 64;
    header = write(at);
    std::vector<std::uint8_t> bytes(at + places_[3] * 4 + 8);
    std::memcpy(bytes.data(), header.data(), header.size());
    AlignedBytes result(bytes);
    seal(result);
    return result;
  }

 private:
  static std::uint64_t floats(std::uint32_t outputs) { return padded_outputs(outputs); }

  Offset<schema::Tensor> tensor(std::uint64_t from, std::uint64_t to, std::uint32_t rows, schema::Layout layout) {
    return schema::CreateTensor(out_, 0, 0, from * 4, (to - from) * 4, rows, static_cast<std::uint32_t>(
        (to - from) / (layout == schema::Layout_Panel16 ? padded_outputs(rows) : rows)), schema::DType_F32, layout);
  }

  Offset<schema::Dense> dense(std::uint32_t weight, std::uint32_t outputs) {
    return schema::CreateDense(out_, weight, weight + 2, 0, sizes_.width, outputs, schema::ActivationKind_Relu);
  }

  Offset<schema::Level> level(std::uint32_t num_inputs, Offset<schema::Dense> layer, Offset<schema::Dense> logits) {
    const auto layers = out_.CreateVector(std::vector<Offset<schema::Dense>>(sizes_.layers, layer));
    std::vector<Offset<schema::Expert>> of_input(num_inputs), all_experts(sizes_.experts);
    for (std::uint32_t i = 0; i < num_inputs; ++i) {
      of_input[i] = schema::CreateExpert(out_, 0, schema::StreamSource_Previous, i, layers);
    }
    std::vector<std::uint32_t> all(sizes_.experts);
    for (std::uint32_t e = 0; e < sizes_.experts; ++e) {
      all[e] = e;
      all_experts[e] = of_input[e % num_inputs];
    }
    const auto experts = out_.CreateVector(all_experts);
    const auto list = out_.CreateVector(all);
    const auto gate = schema::CreateGate(out_, 0, schema::GateKind_Softmax, schema::StreamSource_Previous, 0, 0, logits,
                                         list, sizes_.top_k);
    const auto gates = out_.CreateVector(std::vector<Offset<schema::Gate>>(sizes_.gates, gate));
    return schema::CreateLevel(out_, experts, gates);
  }

  std::vector<std::uint8_t> write(std::uint64_t at) {
    out_.Clear();
    out_.ForceDefaults(true);  // or the header's size depends on what it says
    const auto layer = dense(0, sizes_.width), logits = dense(1, sizes_.experts);
    std::vector<Offset<schema::Level>> levels(1, level(1, layer, logits));
    if (sizes_.levels > 1) levels.resize(sizes_.levels, level(sizes_.gates, layer, logits));
    const auto layers = out_.CreateVector(std::vector<Offset<schema::Dense>>(1, layer));
    const std::vector<Offset<schema::Tower>> towers(1, schema::CreateTower(out_, 0, 0, layers));
    schema::LinkBuilder link(out_);
    link.add_kind(schema::LinkKind_Identity);
    const auto its_link = link.Finish();
    const std::vector<Offset<schema::Task>> tasks(1, schema::CreateTask(out_, out_.CreateString("task"), its_link));
    const std::vector<Offset<schema::Tensor>> tensors = {
        tensor(places_[0], places_[1], sizes_.width, schema::Layout_Panel16),
        tensor(places_[1], places_[2], sizes_.experts, schema::Layout_Panel16),
        tensor(places_[2], places_[2] + floats(sizes_.width), 1, schema::Layout_RowMajor),
        tensor(places_[2], places_[2] + floats(sizes_.experts), 1, schema::Layout_RowMajor),
        tensor(places_[0], places_[0] + sizes_.width, 1, schema::Layout_RowMajor)};
    const std::uint64_t bytes = places_[3] * 4;
    const std::uint64_t checksum = internal::xxh64(std::vector<std::uint8_t>(bytes).data(), bytes);
    const std::vector<Offset<schema::Segment>> segments = {schema::CreateSegment(out_, 0, at, bytes, checksum),
                                                           schema::CreateSegment(out_, 0, at + bytes, 8, 0)};
    const std::vector<Offset<schema::Feature>> features = sequence();
    const std::vector<Offset<schema::Embedding>> embeddings(1, schema::CreateEmbedding(out_, 0, 4));
    const auto root = schema::CreateModelDirect(out_, 1, 1, "shared", "MMoE", sizes_.width, 0, &features, &embeddings,
                                                nullptr, &levels, &towers, &tasks, &tensors, &segments, 1);
    schema::FinishSizePrefixedModelBuffer(out_, root);
    return {out_.GetBufferPointer(), out_.GetBufferPointer() + out_.GetSize()};
  }

  std::vector<Offset<schema::Feature>> sequence() {
    if (sizes_.length == 0) return {};
    const auto vocabulary = schema::CreateVocabulary(out_, schema::VocabularyKind_Identity, 1);
    const auto name = out_.CreateString("history");
    schema::FeatureBuilder feature(out_);
    feature.add_name(name);
    feature.add_kind(schema::FeatureKind_Sequence);
    feature.add_width(sizes_.width);
    feature.add_vocabulary(vocabulary);
    feature.add_embedding(0);
    feature.add_length(sizes_.length);
    return {feature.Finish()};
  }

  const SharedSizes sizes_;
  std::array<std::uint64_t, 4> places_{};
  flatbuffers::FlatBufferBuilder out_;
};

double seconds_since(std::chrono::steady_clock::time_point start) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

// Refused by default, naming the option; made where that allows what is needed.
void check_refused(const SharedSizes& sizes, const char* option, std::uint64_t PlanOptions::*limit, std::size_t max_batch = 1) {
  CAPTURE(std::string(option));
  const AlignedBytes file = SharedModel(sizes).file();
  const Model model = load(file);
  PlanOptions options;
  options.max_batch = max_batch;
  for (const auto other : {&PlanOptions::max_multiply_adds, &PlanOptions::max_steps, &PlanOptions::max_arena_bytes,
                           &PlanOptions::max_ids}) {
    if (other != limit) options.*other = UINT64_MAX;
  }
  const Result<Plan> refused = Plan::create(model, options);
  REQUIRE_FALSE(refused.ok());
  CHECK(refused.error().code() == ErrorCode::kLimitExceeded);
  CHECK(std::string(refused.error().message()).find(option) == 0);
  options.*limit = UINT64_MAX;
  CHECK(Plan::create(model, options).ok());
}

TEST_CASE("limits: layers that are shared without end") {
  check_refused({4, 256, 8, 32, 64}, "max_multiply_adds", &PlanOptions::max_multiply_adds);
  check_refused({16, 256, 8, 32, 1}, "max_steps", &PlanOptions::max_steps);
  check_refused({2, 256, 64, 1, 1024}, "max_arena_bytes", &PlanOptions::max_arena_bytes, 128);
  check_refused({1, 2, 1, 1, 4, 0, 1u << 20}, "max_ids", &PlanOptions::max_ids);
  // A choice among all experts, again and again, is work too.
  check_refused({16, 256, 64, 1, 1, 2}, "max_multiply_adds", &PlanOptions::max_multiply_adds);
}

TEST_CASE("limits: a file of a few kilobytes is refused or scores a row in milliseconds") {
  for (const SharedSizes& sizes : {SharedSizes{16, 256, 64, 32, 16}, SharedSizes{16, 128, 1, 1, 16}, SharedSizes{8, 256, 64, 1, 16},
                                   SharedSizes{16, 256, 64, 1, 1, 1}, SharedSizes{16, 16, 16, 12, 16}}) {
    const AlignedBytes file = SharedModel(sizes).file();
    const auto start = std::chrono::steady_clock::now();
    const Model model = load(file);
    Result<Session> session = Session::create(model);
    if (session.ok()) {
      const std::vector<float> x(model.input_dim(), 0.5f);
      float score;
      CHECK(session->score(x.data(), 1, &score).ok());
    } else {
      CHECK(session.error().code() == ErrorCode::kLimitExceeded);
    }
    CHECK(seconds_since(start) < 2);  // some ms; the rest is for emulators, sanitizers and a busy machine
  }
}

TEST_CASE("limits: models are far from the defaults") {
  for (const NamedModel& named : all_models()) {
    CAPTURE(named.name);
    const AlignedBytes file = model_file(named.description);
    const Model model = load(file);
    PlanOptions options;
    options.max_batch = 128;
    options.max_multiply_adds = file.size();  // the default is 64 times this, or more
    options.max_steps = 256;                  // 4,096 or more
    options.max_arena_bytes = std::uint64_t{1} << 22;  // 2^26 or more
    CHECK(Plan::create(model, options).ok());
  }
}

TEST_CASE("limits: exactly enough is enough") {
  const AlignedBytes file = model_file(feature_description());
  const Model model = load(file);
  const Plan plan = *Plan::create(model);
  PlanOptions options;
  const auto allows = [&](std::uint64_t PlanOptions::*limit, std::uint64_t value) {
    options = {};
    options.*limit = value;
    return Plan::create(model, options).ok();
  };
  CHECK(allows(&PlanOptions::max_multiply_adds, plan.multiply_adds_per_row()));
  CHECK_FALSE(allows(&PlanOptions::max_multiply_adds, plan.multiply_adds_per_row() - 1));
  CHECK(allows(&PlanOptions::max_steps, plan.num_steps()));
  CHECK_FALSE(allows(&PlanOptions::max_steps, plan.num_steps() - 1));
  CHECK(allows(&PlanOptions::max_arena_bytes, plan.arena_bytes()));
  CHECK_FALSE(allows(&PlanOptions::max_arena_bytes, plan.arena_bytes() - 1));
  CHECK(allows(&PlanOptions::max_ids, 3));  // of three sparse features
  CHECK_FALSE(allows(&PlanOptions::max_ids, 2));
}

// One product of 4 experts and 2 gates' logits, in panels of 16: 80 columns of 20 inputs. A softmax of 4 twice, mixes of
// 4 by 16 twice, towers of 16 by 8 (16 columns) and 8 by 1 (16 columns).
TEST_CASE("Plan: multiply-adds per row") {
  const AlignedBytes file = model_file(mmoe_description({}));
  const Model model = load(file);
  CHECK(Plan::create(model)->multiply_adds_per_row() ==
        80 * 20 + 2 * 4 * 16 + 2 * 4 * 16 + 2 * (16 * 16 + 16 * 8));
  const std::uint32_t first = 0;
  PlanOptions options;
  options.tasks = &first;
  options.num_tasks = 1;
  CHECK(Plan::create(model, options)->multiply_adds_per_row() < Plan::create(model)->multiply_adds_per_row());
}

TEST_CASE("gates: naming all gates of a model takes as long as reading it") {
  const AlignedBytes file = SharedModel({8, 256, 64, 1, 16}).file();
  const Model model = load(file);
  PlanOptions options;
  options.max_multiply_adds = options.max_steps = options.max_arena_bytes = UINT64_MAX;
  const Plan plan = *Plan::create(model, options);
  REQUIRE(plan.num_gates() == 7 * 64 + 1);  // the tower reads one
  const auto start = std::chrono::steady_clock::now();
  std::vector<GateInfo> gates(plan.num_gates());
  plan.list_gates(gates.data());
  CHECK(seconds_since(start) < 1);  // a millisecond; the rest is for emulators, sanitizers and a busy machine
  std::size_t weights = 0;
  for (const GateInfo& gate : gates) {
    CHECK(gate.column == weights);
    CHECK(gate.tasks == 1);
    weights += gate.num_experts;
  }
  CHECK(weights == plan.num_gate_weights());
  for (const std::size_t i : {std::size_t{0}, gates.size() / 2, gates.size() - 1}) {
    CHECK(plan.gate(i).level == gates[i].level);
    CHECK(plan.gate(i).index == gates[i].index);
    CHECK(plan.gate(i).column == gates[i].column);
  }
}

}  // namespace
}  // namespace mmoe::test
