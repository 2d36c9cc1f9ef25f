#include "runtime/tools/model/work.h"

#include <doctest/doctest.h>

#include <vector>

namespace mmoe::tools {
namespace {

using flatbuffers::FlatBufferBuilder;
template <class T>
using Offset = flatbuffers::Offset<T>;

// Headers without weights: flops_per_row() looks at sizes alone.
class HeaderBuilder {
 public:
  Offset<schema::Dense> layer(unsigned inputs, unsigned outputs) {
    return schema::CreateDense(out_, 0, 0, 0, inputs, outputs);
  }

  Offset<schema::Expert> expert(unsigned inputs, unsigned outputs, unsigned stream = 0) {
    const auto layers = out_.CreateVector(std::vector<Offset<schema::Dense>>{layer(inputs, outputs)});
    return schema::CreateExpert(out_, 0, schema::StreamSource_Previous, stream, layers);
  }

  Offset<schema::Gate> gate(unsigned inputs, const std::vector<unsigned>& experts, unsigned top_k = 0) {
    const auto logits = layer(inputs, static_cast<unsigned>(experts.size()));
    const auto listed = out_.CreateVector(experts);
    return schema::CreateGate(out_, 0, schema::GateKind_Softmax, schema::StreamSource_Previous, 0, 0, logits, listed,
                              top_k);
  }

  void level(const std::vector<Offset<schema::Expert>>& experts, const std::vector<Offset<schema::Gate>>& gates) {
    const auto expert_vector = out_.CreateVector(experts);
    const auto gate_vector = out_.CreateVector(gates);
    levels_.push_back(schema::CreateLevel(out_, expert_vector, gate_vector));
  }

  // A tower of one layer on each stream, and a task on each tower.
  const schema::Model& finish(const std::vector<unsigned>& streams, unsigned width) {
    std::vector<Offset<schema::Tower>> towers;
    std::vector<Offset<schema::Task>> tasks;
    for (const unsigned stream : streams) {
      const auto layers = out_.CreateVector(std::vector<Offset<schema::Dense>>{layer(width, 1)});
      const auto link = schema::CreateLink(out_, schema::LinkKind_Sigmoid, static_cast<unsigned>(towers.size()));
      tasks.push_back(schema::CreateTask(out_, out_.CreateString("task"), link));
      towers.push_back(schema::CreateTower(out_, 0, stream, layers));
    }
    const auto level_vector = out_.CreateVector(levels_);
    const auto tower_vector = out_.CreateVector(towers);
    const auto task_vector = out_.CreateVector(tasks);
    const auto tensors = out_.CreateVector(std::vector<Offset<schema::Tensor>>());
    const auto segments = out_.CreateVector(std::vector<Offset<schema::Segment>>());
    schema::ModelBuilder model(out_);
    model.add_tensors(tensors);
    model.add_segments(segments);
    model.add_levels(level_vector);
    model.add_towers(tower_vector);
    model.add_tasks(task_vector);
    out_.Finish(model.Finish());
    return *flatbuffers::GetRoot<schema::Model>(out_.GetBufferPointer());
  }

 private:
  FlatBufferBuilder out_;
  std::vector<Offset<schema::Level>> levels_;
};

constexpr std::uint64_t kExpert = 2 * 10 * 4;
constexpr std::uint64_t kTower = 2 * 4;

TEST_CASE("MMoE: experts once, gates and towers per task") {
  HeaderBuilder header;
  header.level({header.expert(10, 4), header.expert(10, 4), header.expert(10, 4)},
               {header.gate(10, {0, 1, 2}), header.gate(10, {0, 1, 2})});
  const FlopsPerRow flops = flops_per_row(header.finish({0, 1}, 4));
  const std::uint64_t gate = 2 * 10 * 3 + 2 * 3 * 4;  // logits and mixing
  CHECK(flops.all_experts == 3 * kExpert + 2 * gate + 2 * kTower);
  CHECK(flops.top_k_min == flops.all_experts);
  CHECK(flops.top_k_max == flops.all_experts);
}

TEST_CASE("top-k: from gates that agree to gates that do not") {
  HeaderBuilder header;
  std::vector<Offset<schema::Expert>> experts;
  for (int i = 0; i < 5; ++i) experts.push_back(header.expert(10, 4));
  header.level(experts, {header.gate(10, {0, 1, 2, 3}, 2), header.gate(10, {0, 1, 2, 3}, 1), header.gate(10, {4})});
  const FlopsPerRow flops = flops_per_row(header.finish({0, 1, 2}, 4));
  const std::uint64_t rest = 2 * (2 * 10 * 4) + 2 * 10 + 3 * kTower;
  CHECK(flops.all_experts == 5 * kExpert + rest + 2 * 4 * (4 + 4 + 1));
  CHECK(flops.top_k_min == 3 * kExpert + rest + 2 * 4 * (2 + 1 + 1));
  CHECK(flops.top_k_max == 4 * kExpert + rest + 2 * 4 * (2 + 1 + 1));
}

TEST_CASE("top-k gates cannot select more experts than there are") {
  HeaderBuilder header;
  header.level({header.expert(10, 4), header.expert(10, 4), header.expert(10, 4)},
               {header.gate(10, {0, 1, 2}, 2), header.gate(10, {0, 1, 2}, 2)});
  const FlopsPerRow flops = flops_per_row(header.finish({0, 1}, 4));
  CHECK(flops.all_experts - flops.top_k_max == 2 * 2 * 4);
  CHECK(flops.top_k_max - flops.top_k_min == kExpert);
}

TEST_CASE("what no task needs is not counted") {
  HeaderBuilder header;
  header.level({header.expert(10, 4), header.expert(10, 4)}, {header.gate(10, {0}), header.gate(10, {1})});
  const FlopsPerRow flops = flops_per_row(header.finish({1}, 4));
  CHECK(flops.all_experts == kExpert + (2 * 10 + 2 * 4) + kTower);
}

TEST_CASE("levels: an expert reads one stream of the level before") {
  HeaderBuilder header;
  header.level({header.expert(10, 4), header.expert(10, 4)}, {header.gate(10, {0}), header.gate(10, {1})});
  header.level({header.expert(4, 4, 1)}, {header.gate(4, {0})});  // the gate reads stream 0
  const FlopsPerRow flops = flops_per_row(header.finish({0}, 4));
  CHECK(flops.all_experts == 2 * kExpert + 2 * (2 * 10 + 2 * 4) + 2 * 4 * 4 + 2 * 4 + 2 * 4 + kTower);
}

}  // namespace
}  // namespace mmoe::tools
