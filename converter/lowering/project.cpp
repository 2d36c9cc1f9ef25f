#include "converter/lowering/project.h"

#include <algorithm>
#include <map>

#include "converter/error.h"
#include "converter/lowering/fold.h"
#include "converter/lowering/readers.h"
#include "converter/model/limits.h"

namespace mmoe::converter {
namespace {

const Projection* projection_of(const Feature& feature) {
  const auto* dense = std::get_if<DenseFeature>(&feature.kind);
  return dense != nullptr && dense->projection ? &*dense->projection : nullptr;
}

// W (P v + b) = (W P) v + W b for the columns [column, column + P's rows) of W's row; appends W P, adds W b to the
// bias.
void project(const float* weights, const Projection& projection, std::vector<float>& row, double& bias) {
  for (size_t value = 0; value < projection.weight.cols; ++value) {
    double sum = 0;
    for (size_t i = 0; i < projection.weight.rows; ++i) sum += double{weights[i]} * projection.weight.at(i, value);
    row.push_back(static_cast<float>(sum));
  }
  for (size_t i = 0; i < projection.bias.size(); ++i) bias += double{weights[i]} * projection.bias[i];
}

// What a layer reads: a feature of x, or columns of another stream.
struct Block {
  const Feature* feature;  // null: another stream
  StreamPart part;         // where the feature's values will be, or where the columns are
  size_t width;            // before the projection
};

// REQUIRES: parts of x begin and end with features, or within those without a projection. `widths`: those of the
// features without projections.
std::vector<Block> blocks_of(const StreamRef& input, const std::vector<Feature>& features,
                             const std::vector<size_t>& widths) {
  std::vector<Block> blocks;
  for (const StreamPart& part : input.parts.empty() ? std::vector<StreamPart>(1) : input.parts) {
    if (!part.is_input()) blocks.push_back({nullptr, part, part.columns.width});
    const size_t end = input.parts.empty() ? kMaxDim : part.columns.first + part.columns.width;
    size_t first = 0, place = 0;
    for (size_t i = 0; part.is_input() && i < features.size(); ++i) {
      const size_t width = features[i].width;
      const size_t from = std::max(first, part.columns.first), to = std::min(first + width, end);
      if (from < to) {
        const bool whole = to - from == width;
        const ColumnRange columns =
            whole ? ColumnRange{place, widths[i]} : ColumnRange{place + from - first, to - from};
        blocks.push_back({&features[i], {StreamSource::kModelInput, 0, columns}, to - from});
      }
      first += width;
      place += widths[i];
    }
  }
  return blocks;
}

void project_inputs(const std::vector<Block>& blocks, DenseLayer& layer) {
  Matrix weight{layer.outputs(), 0, {}};
  layer.bias.resize(layer.outputs());
  for (size_t o = 0; o < layer.outputs(); ++o) {
    const float* from = layer.weight.data.data() + o * layer.inputs();
    double bias = layer.bias[o];
    for (const Block& block : blocks) {
      const Projection* projection = block.feature == nullptr ? nullptr : projection_of(*block.feature);
      if (projection != nullptr) {
        project(from, *projection, weight.data, bias);
      } else {
        weight.data.insert(weight.data.end(), from, from + block.width);
      }
      from += block.width;
    }
    layer.bias[o] = static_cast<float>(bias);
  }
  weight.cols = weight.data.size() / weight.rows;
  layer.weight = std::move(weight);
  require_finite(layer);
}

Node embedding_node(const Feature& feature, const ColumnRange& values) {
  const Projection& projection = *projection_of(feature);
  Node node;
  node.name = feature.name + " embedding";
  node.input = input_stream({values});
  DenseLayer layer;
  layer.name = node.name;
  layer.weight = projection.weight;
  layer.bias = projection.bias;
  node.layers.push_back(std::move(layer));
  return node;
}

// An operand is no layer that could take a projection in: a node makes the embedding, in front of all others.
void project_operands(TrainedModel& model, const std::vector<size_t>& widths) {
  std::map<const Feature*, size_t> nodes;
  std::vector<Node> made;
  change_operands(model, [&](const StreamRef& input) {
    for (const Block& block : blocks_of(input, model.features, widths)) {
      if (block.feature == nullptr || projection_of(*block.feature) == nullptr) continue;
      if (!nodes.emplace(block.feature, made.size()).second) continue;
      made.push_back(embedding_node(*block.feature, block.part.columns));
    }
  });
  if (made.size() + model.nodes.size() > kMaxNodes) {
    throw ConvertError("nodes: " + std::to_string(model.nodes.size()) + ", and " + std::to_string(made.size()) +
                       " for the embeddings of numbers that operations read; at most " + std::to_string(kMaxNodes));
  }
  number_nodes_from(model, made.size());
  change_operands(model, [&](StreamRef& input) {
    const std::vector<Block> blocks = blocks_of(input, model.features, widths);
    input.parts.clear();
    for (const Block& block : blocks) {
      const auto node = nodes.find(block.feature);
      input.parts.push_back(node == nodes.end() ? block.part
                                                : StreamPart{StreamSource::kNode, node->second, {0, block.width}});
    }
  });
  model.nodes.insert(model.nodes.begin(), made.begin(), made.end());
}

}  // namespace

void fold_projections(TrainedModel& model) {
  const auto projected = [](const Feature& feature) { return projection_of(feature) != nullptr; };
  if (std::none_of(model.features.begin(), model.features.end(), projected)) return;
  std::vector<size_t> widths;
  for (const Feature& feature : model.features) {
    widths.push_back(projected(feature) ? feature.num_values() : feature.width);
  }
  change_readers(model, [&](DenseLayer& layer, StreamRef& input) {
    const std::vector<Block> blocks = blocks_of(input, model.features, widths);
    project_inputs(blocks, layer);
    if (input.parts.empty()) return;
    input.parts.clear();
    for (const Block& block : blocks) input.parts.push_back(block.part);
  });
  project_operands(model, widths);
  model.input_dim = 0;
  for (size_t i = 0; i < widths.size(); ++i) {
    Feature& feature = model.features[i];
    if (projected(feature)) std::get<DenseFeature>(feature.kind).projection.reset();
    feature.width = widths[i];
    model.input_dim += feature.width;
  }
}

}  // namespace mmoe::converter
