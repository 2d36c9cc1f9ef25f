#include "converter/writer/model_tensors.h"

#include <algorithm>

#include "converter/packing/pack.h"
#include "converter/quantise/tables.h"
#include "kernels/number_types.h"

namespace mmoe::converter {
namespace {

schema::DType dtype_of(WeightType type) {
  switch (type) {
    case WeightType::kF32: return schema::DType_F32;
    case WeightType::kF16: return schema::DType_F16;
    case WeightType::kBF16: return schema::DType_BF16;
    case WeightType::kI8:
    case WeightType::kW8A8: break;
  }
  return schema::DType_I8;
}

schema::DType dtype_of(TableType type) {
  switch (type) {
    case TableType::kF32: return schema::DType_F32;
    case TableType::kF16: return schema::DType_F16;
    case TableType::kU8: return schema::DType_U8;
    case TableType::kU4: break;
  }
  return schema::DType_U4;
}

// Packed when it is written: all of a model's weights a second time would not be little.
uint32_t add_panels(const FusedLayer& fused_layer, uint32_t segment, SegmentBuilder& out) {
  const Matrix& weight = fused_layer.weight;
  const auto give = [&fused_layer](const TakeBytes& take) {
    const std::vector<uint8_t> packed = pack_panels(fused_layer);
    take(packed.data(), packed.size());
  };
  const auto layout = fused_layer.type == WeightType::kW8A8 ? schema::Layout_Panel16Quads : schema::Layout_Panel16;
  return out.add_tensor(segment, fused_layer.name, packed_bytes(fused_layer), give, weight.rows, weight.cols,
                        dtype_of(fused_layer.type), layout);
}

// What weights that are codes need beside them.
void add_codes(const FusedLayer& layer, uint32_t weight, uint32_t segment, SegmentBuilder& out) {
  const std::vector<float> scales = pad_to_panels(layer.scales, layer.weight.rows);
  const size_t padded = scales.size();
  const auto add = [&](const char* suffix, auto numbers, schema::DType dtype) {
    const size_t rows = numbers.size() / padded;
    return static_cast<int32_t>(out.add_tensor(segment, layer.name + suffix, std::move(numbers), rows, padded, dtype));
  };
  const int32_t scales_tensor = add(" scales", scales, schema::DType_F32);
  const bool sums = layer.type == WeightType::kW8A8;
  const int32_t sums_tensor = sums ? add(" row sums", row_sums(layer), schema::DType_I32) : -1;
  TensorEntry& entry = out.tensor(weight);
  entry.scales = scales_tensor;
  entry.row_sums = sums_tensor;
  entry.shared_cols = static_cast<uint32_t>(sums ? layer.shared_inputs : 0);
}

void give_rows(const Embedding& embedding, TableType type, const TakeBytes& take) {
  constexpr size_t kPartBytes = size_t{1} << 20;
  const Table& table = embedding.table;
  const size_t row_bytes = kernels::table_row_bytes(type, table.cols);
  const size_t rows_at_once = std::min(table.rows, std::max<size_t>(1, kPartBytes / (table.cols * sizeof(float))));
  std::vector<uint8_t> stored(rows_at_once * row_bytes);
  for (size_t row = 0; row < table.rows;) {
    const size_t count = std::min(rows_at_once, table.rows - row);
    read_encoded(table, type, row, count, stored.data(), embedding.name);
    take(stored.data(), count * row_bytes);
    row += count;
  }
}

uint32_t add_table(const Embedding& embedding, uint32_t segment, SegmentBuilder& out) {
  const Table& table = embedding.table;
  const TableType type = embedding.type.value_or(TableType::kF32);
  const uint64_t bytes = uint64_t{table.rows} * kernels::table_row_bytes(type, table.cols);
  const auto give = [&embedding, type](const TakeBytes& take) { give_rows(embedding, type, take); };
  const bool fused = type == TableType::kU8 || type == TableType::kU4;
  return out.add_tensor(segment, embedding.name, bytes, give, table.rows, table.cols, dtype_of(type),
                        fused ? schema::Layout_FusedRows : schema::Layout_RowMajor);
}

void add_weights(const LoweredModel& model, SegmentBuilder& out, ModelTensors& tensors) {
  const uint32_t segment = out.add_segment("weights", 64);
  for (const FusedLayer& fused_layer : model.fused_layers) {
    const size_t rows = fused_layer.weight.rows;
    const auto add_row = [&](const char* suffix, const std::vector<float>& row) {
      const std::vector<float> padded = pad_to_panels(row, rows);
      return out.add_tensor(segment, fused_layer.name + suffix, padded, 1, padded.size(), schema::DType_F32);
    };
    ModelTensors::FusedTensors entry;
    entry.weight = add_panels(fused_layer, segment, out);
    if (!fused_layer.scales.empty()) add_codes(fused_layer, entry.weight, segment, out);
    entry.bias = add_row(" bias", fused_layer.bias);
    entry.slopes = fused_layer.slopes.empty() ? -1 : static_cast<int32_t>(add_row(" slopes", fused_layer.slopes));
    entry.scale_shift = -1;
    if (!fused_layer.scale.empty()) {
      std::vector<float> both = pad_to_panels(fused_layer.scale, rows);
      const std::vector<float> shift = pad_to_panels(fused_layer.shift, rows);
      both.insert(both.end(), shift.begin(), shift.end());
      entry.scale_shift = static_cast<int32_t>(
          out.add_tensor(segment, fused_layer.name + " scale and shift", both, 2, shift.size(), schema::DType_F32));
    }
    tensors.fused_layers.push_back(entry);
  }
  const auto add_optional = [&](const std::string& name, const std::vector<float>& row) {
    if (row.empty()) return -1;
    return static_cast<int32_t>(out.add_tensor(segment, name, row, 1, row.size(), schema::DType_F32));
  };
  for (const Node& node : model.description.nodes) {
    tensors.node_constants.push_back(add_optional(node.name + " constant", node.constant));
  }
  for (const Level& level : model.description.levels) {
    tensors.constants.emplace_back();
    for (const Gate& gate : level.gates) {
      const std::vector<float>& weights = gate.logits ? gate.weight_scales : gate.constant_weights;
      tensors.constants.back().push_back(add_optional(gate.name + " weights", weights));
    }
  }
}

// Of a dense feature: numbers, then results.
int32_t add_points(const Feature& feature, uint32_t segment, SegmentBuilder& out) {
  const auto& points = std::get<DenseFeature>(feature.kind).scaling.points;
  if (points.empty()) return -1;
  std::vector<double> data;
  for (const auto& point : points) data.push_back(point.first);
  for (const auto& point : points) data.push_back(point.second);
  return static_cast<int32_t>(
      out.add_tensor(segment, feature.name + " points", std::move(data), 2, points.size(), schema::DType_F64));
}

}  // namespace

ModelTensors add_tensors(const LoweredModel& model, SegmentBuilder& out) {
  ModelTensors tensors;
  add_weights(model, out, tensors);
  tensors.vocabularies.resize(model.description.features.size());
  tensors.points.resize(model.description.features.size(), -1);
  if (model.description.features.empty()) return tensors;
  const uint32_t vocabularies = out.add_segment("vocabularies", 64);
  for (size_t i = 0; i < model.description.features.size(); ++i) {
    const Feature& feature = model.description.features[i];
    const Vocabulary* vocabulary = feature.vocabulary();
    if (vocabulary == nullptr) tensors.points[i] = add_points(feature, vocabularies, out);
    if (vocabulary == nullptr || !(vocabulary->has_keys() || vocabulary->bins)) continue;
    tensors.vocabularies[i] = add_vocabulary(feature.name, *vocabulary, vocabularies, out);
  }
  const uint32_t embeddings = out.add_segment("embeddings", 4096);
  for (const Embedding& embedding : model.description.embeddings) {
    tensors.embeddings.push_back(add_table(embedding, embeddings, out));
  }
  return tensors;
}

}  // namespace mmoe::converter
