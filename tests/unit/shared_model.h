// Small valid files that ask for much: everything in them is shared.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>
#include <vector>

#include "kernels/panel16.h"
#include "runtime/src/core/xxh64.h"
#include "schema/format.h"
#include "schema/mmoe_generated.h"
#include "tests/unit/models.h"

namespace mmoe::test {

struct SharedSizes {
  std::uint32_t levels = 1, experts = 1, gates = 1, layers = 1;
  std::uint32_t width = 16;  ///< of x and of every layer
  std::uint32_t top_k = 0;
  std::uint32_t length = 0;       ///< of a sequence that is all of x; 0: no features
  std::uint32_t golden_rows = 0;  ///< of zeros
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
    std::vector<std::uint8_t> bytes(static_cast<std::size_t>(at + places_[3] * 4 + 8));
    std::memcpy(bytes.data(), header.data(), header.size());
    AlignedBytes result(bytes);
    seal(result);
    return result;
  }

 private:
  static std::uint64_t floats(std::uint32_t outputs) { return padded_outputs(outputs); }

  flatbuffers::Offset<schema::Tensor> tensor(std::uint64_t from, std::uint64_t to, std::uint32_t rows,
                                             schema::Layout layout) {
    return schema::CreateTensor(
        out_, 0, 0, from * 4, (to - from) * 4, rows,
        static_cast<std::uint32_t>((to - from) / (layout == schema::Layout_Panel16 ? padded_outputs(rows) : rows)),
        schema::DType_F32, layout);
  }

  flatbuffers::Offset<schema::Dense> dense(std::uint32_t weight, std::uint32_t outputs) {
    return schema::CreateDense(out_, weight, weight + 2, 0, sizes_.width, outputs, schema::ActivationKind_Relu);
  }

  flatbuffers::Offset<schema::Level> level(std::uint32_t num_inputs, flatbuffers::Offset<schema::Dense> layer,
                                           flatbuffers::Offset<schema::Dense> logits) {
    const auto layers = out_.CreateVector(std::vector<flatbuffers::Offset<schema::Dense>>(sizes_.layers, layer));
    std::vector<flatbuffers::Offset<schema::Expert>> of_input(num_inputs), all_experts(sizes_.experts);
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
    const auto gates = out_.CreateVector(std::vector<flatbuffers::Offset<schema::Gate>>(sizes_.gates, gate));
    return schema::CreateLevel(out_, experts, gates);
  }

  std::vector<std::uint8_t> write(std::uint64_t at) {
    out_.Clear();
    out_.ForceDefaults(true);  // or the header's size depends on what it says
    const auto layer = dense(0, sizes_.width), logits = dense(1, sizes_.experts);
    std::vector<flatbuffers::Offset<schema::Level>> levels(1, level(1, layer, logits));
    if (sizes_.levels > 1) levels.resize(sizes_.levels, level(sizes_.gates, layer, logits));
    const auto layers = out_.CreateVector(std::vector<flatbuffers::Offset<schema::Dense>>(1, layer));
    const std::vector<flatbuffers::Offset<schema::Tower>> towers(1, schema::CreateTower(out_, 0, 0, layers));
    schema::LinkBuilder link(out_);
    link.add_kind(schema::LinkKind_Identity);
    const auto its_link = link.Finish();
    const std::vector<flatbuffers::Offset<schema::Task>> tasks(
        1, schema::CreateTask(out_, out_.CreateString("task"), its_link));
    const std::vector<flatbuffers::Offset<schema::Tensor>> tensors = {
        tensor(places_[0], places_[1], sizes_.width, schema::Layout_Panel16),
        tensor(places_[1], places_[2], sizes_.experts, schema::Layout_Panel16),
        tensor(places_[2], places_[2] + floats(sizes_.width), 1, schema::Layout_RowMajor),
        tensor(places_[2], places_[2] + floats(sizes_.experts), 1, schema::Layout_RowMajor),
        tensor(places_[0], places_[0] + sizes_.width, 1, schema::Layout_RowMajor)};
    const auto bytes = static_cast<std::size_t>(places_[3] * 4);
    const std::uint64_t checksum = internal::xxh64(std::vector<std::uint8_t>(bytes).data(), bytes);
    const std::vector<flatbuffers::Offset<schema::Segment>> segments = {
        schema::CreateSegment(out_, 0, at, bytes, checksum), schema::CreateSegment(out_, 0, at + bytes, 8, 0)};
    const std::vector<flatbuffers::Offset<schema::Feature>> features = sequence();
    const std::vector<flatbuffers::Offset<schema::Embedding>> embeddings(1, schema::CreateEmbedding(out_, 0, 4));
    const std::vector<float> values(std::size_t{sizes_.golden_rows} * sizes_.width), scores(sizes_.golden_rows);
    const auto golden = schema::CreateGoldenRowsDirect(out_, sizes_.golden_rows, &values, nullptr, &scores);
    const auto root = schema::CreateModelDirect(out_, schema::kVersionMajor, schema::kVersionMinor, "shared", "MMoE",
                                                sizes_.width, 0, &features, &embeddings, nullptr, &levels, &towers,
                                                &tasks, &tensors, &segments, 1, golden);
    schema::FinishSizePrefixedModelBuffer(out_, root);
    return {out_.GetBufferPointer(), out_.GetBufferPointer() + out_.GetSize()};
  }

  std::vector<flatbuffers::Offset<schema::Feature>> sequence() {
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

}  // namespace mmoe::test
