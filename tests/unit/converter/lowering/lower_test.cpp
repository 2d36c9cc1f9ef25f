#include <doctest/doctest.h>
#include <limits>

#include "converter/error.h"
#include "converter/lowering/fold.h"
#include "converter/lowering/lowered.h"
#include "kernels/panel16.h"
#include "tests/unit/models.h"

namespace mmoe::converter {
namespace {

using test::Random;

TEST_CASE("lower: first layers that read one stream share a fused layer, gates' logits side by side behind experts") {
  const LoweredModel model = lower(test::mmoe_description({20, 3, {16}, 2, {8}, 0, 0}));
  const LoweredLevel& level = model.levels.at(0);
  const size_t fused_layer = level.experts[0].layers[0].fused_layer;
  CHECK(level.experts[1].layers[0].fused_layer == fused_layer);
  CHECK(level.gates[1].logits.fused_layer == fused_layer);
  CHECK(level.experts[2].layers[0].column == 32);
  CHECK(level.gates[0].logits.column == 48);
  CHECK(level.gates[1].logits.column == 51);
  CHECK(model.fused_layers[fused_layer].weight.rows == 54);
  CHECK(model.fused_layers[fused_layer].bias.size() == 54);
}

TEST_CASE("lower: experts that may be skipped start at a panel, others are packed tightly") {
  const LoweredModel dense = lower(test::mmoe_description({20, 3, {6}, 1, {}, 0, 0}));
  CHECK(dense.levels[0].experts[1].layers[0].column == 6);
  CHECK(dense.levels[0].gates[0].logits.column == 32);
  const LoweredModel sparse = lower(test::mmoe_description({20, 3, {6}, 1, {}, 1, 0}));
  CHECK(sparse.levels[0].experts[1].layers[0].column == 16);
  CHECK(sparse.levels[0].experts[2].layers[0].column == 32);
}

TEST_CASE("lower: towers that read one stream share a fused layer") {
  const LoweredModel model = lower(test::shared_bottom_description());
  CHECK(model.towers[0][0].fused_layer == model.towers[2][0].fused_layer);
  CHECK(model.towers[2][0].column == 16);
  CHECK(model.towers[0][1].fused_layer != model.towers[1][1].fused_layer);
}

TEST_CASE("lower: item-side columns go behind in the weights, and the features keep their order") {
  const TrainedModel before = test::feature_description();
  const LoweredModel after = lower(before);
  CHECK(after.feature_columns == std::vector<size_t>{23, 0, 24, 4, 20});  // price, country, shop, device, history
  REQUIRE(after.description.features.size() == 5);
  for (size_t i = 0; i < 5; ++i) CHECK(after.description.features[i].name == before.features[i].name);
  CHECK(after.shared_dim == 23);
  const Matrix& original = before.levels[0].experts[1].layers[0].weight;
  const LoweredDense& layer = after.levels[0].experts[1].layers[0];
  const Matrix& moved = after.fused_layers[layer.fused_layer].weight;
  CHECK(moved.at(layer.column + 2, 0) == original.at(2, 1));   // country: column 1 of the description, now 0
  CHECK(moved.at(layer.column + 2, 23) == original.at(2, 0));  // price: column 0, now behind the shared ones
  CHECK(moved.at(layer.column + 2, 24) == original.at(2, 5));  // shop: column 5, now 24
}

// What node_description()'s first bi-interaction reads, if the description says these columns.
std::vector<StreamPart> lowered_groups(std::initializer_list<ColumnRange> columns) {
  TrainedModel model = test::node_description(0);
  for (Node& node : model.nodes) {
    if (node.kind == NodeKind::kBiInteraction && node.inputs[0].parts.size() == 2) {
      node.inputs[0] = input_stream(columns);
      return lower(model).description.nodes[static_cast<size_t>(&node - model.nodes.data())].inputs[0].parts;
    }
  }
  return {};
}

TEST_CASE("lower: the user's groups of a bi-interaction go in front, where no group is of both") {
  const auto parts = [](std::initializer_list<ColumnRange> columns) { return input_stream(columns).parts; };
  // Groups of four; the first nine columns are the user's.
  CHECK(lowered_groups({{12, 8}, {2, 4}, {9, 4}, {6, 2}, {0, 2}}) == parts({{2, 6}, {0, 2}, {12, 8}, {9, 4}}));
  CHECK(lowered_groups({{1, 8}, {12, 8}}) == parts({{1, 8}, {12, 8}}));
  CHECK(lowered_groups({{12, 8}, {2, 4}, {7, 4}}) == parts({{12, 8}, {2, 4}, {7, 4}}));
  CHECK(lowered_groups({{12, 8}, {9, 4}}) == parts({{12, 8}, {9, 4}}));
}

TEST_CASE("fold: batch norms go into the weights, but one behind the last layer stays") {
  Random random(1);
  Mlp layers = test::random_mlp(5, {4, 3}, random);
  layers[0].norm_before_activation = test::random_norm(4, random);
  layers[0].norm_after_activation = test::random_norm(4, random);
  layers[1].norm_after_activation = test::random_norm(3, random);
  fold_batch_norms(layers);
  REQUIRE(layers.size() == 2);
  CHECK_FALSE(layers[0].norm_before_activation);
  CHECK_FALSE(layers[0].norm_after_activation);
  CHECK(normalisation_of(layers[0]).kind == NormKind::kNone);
  CHECK(normalisation_of(layers[1]).kind == NormKind::kChannel);
  CHECK(normalisation_of(layers[1]).use == NormUse::kAfterActivation);
}

TEST_CASE("fold: a layer of the file has one normalisation, what comes behind it a layer of its own") {
  Random random(1);
  Mlp layers = test::random_mlp(5, {4}, random);
  layers[0].layer_norm_before_activation = test::random_layer_norm(4, random);
  layers[0].layer_norm_after_activation = test::random_layer_norm(4, random);
  layers[0].norm_after_activation = test::random_norm(4, random);
  fold_batch_norms(layers);
  REQUIRE(layers.size() == 3);
  CHECK(normalisation_of(layers[0]).use == NormUse::kBeforeActivation);
  CHECK(normalisation_of(layers[1]).kind == NormKind::kLayer);
  CHECK(normalisation_of(layers[2]).kind == NormKind::kNone);  // the batch norm went into its weights
  CHECK(layers[2].weight.at(0, 1) == 0.0f);
}

TEST_CASE("lower: projections go into what reads x") {
  TrainedModel description = test::mmoe_description({5, 2, {6}, 1, {}, 0, 0});
  DenseFeature plain, projected;
  projected.projection.emplace();
  projected.projection->weight = {3, 1, {1, 2, 4}};
  projected.projection->bias = {0.5f, 0, 0};
  description.features = {{"a", Side::kItem, 2, plain}, {"b", Side::kUser, 3, projected}};
  const LoweredModel model = lower(description);
  CHECK(model.description.input_dim == 3);
  CHECK(model.shared_dim == 1);
  const DenseLayer& before = description.levels[0].experts[1].layers[0];
  const LoweredDense& layer = model.levels[0].experts[1].layers[0];
  const FusedLayer& fused_layer = model.fused_layers[layer.fused_layer];
  const double column = double{before.weight.at(2, 2)} + 2.0 * before.weight.at(2, 3) + 4.0 * before.weight.at(2, 4);
  CHECK(fused_layer.weight.at(layer.column + 2, 0) == static_cast<float>(column));
  CHECK(fused_layer.weight.at(layer.column + 2, 1) == before.weight.at(2, 0));
  CHECK(fused_layer.bias[layer.column + 2] == static_cast<float>(before.bias[2] + 0.5 * before.weight.at(2, 2)));
}

TEST_CASE("lower: of an operand that is projected a node in front makes the embedding") {
  TrainedModel description = test::mmoe_description({5, 2, {6}, 1, {}, 0, 0});
  DenseFeature plain, projected;
  projected.projection.emplace();
  projected.projection->weight = {3, 1, {1, 2, 4}};
  description.features = {{"a", Side::kItem, 2, plain}, {"b", Side::kUser, 3, projected}};
  Node twice, sum;
  twice.kind = sum.kind = NodeKind::kSum;
  twice.inputs = {input_stream({{2, 3}}), input_stream({{2, 3}})};
  twice.input_width = sum.input_width = 3;
  sum.inputs = {{StreamSource::kNode, 0}, {StreamSource::kNode, 0}};
  description.nodes = {twice, sum};
  description.towers[0].input = StreamRef(StreamSource::kNode, 1);
  description.towers[0].layers.front().weight = {1, 3, {1, 1, 1}};
  const TrainedModel model = lower(description).description;
  REQUIRE(model.nodes.size() == 3);
  CHECK(model.nodes[0].name == "b embedding");
  CHECK(model.nodes[0].kind == NodeKind::kMlp);
  const StreamPart made{StreamSource::kNode, 0, {0, 3}};
  for (const StreamRef& input : model.nodes[1].inputs) CHECK(input.parts == std::vector<StreamPart>{made});
  for (const StreamRef& input : model.nodes[2].inputs) CHECK(input == StreamRef(StreamSource::kNode, 1));
  CHECK(model.towers[0].input == StreamRef(StreamSource::kNode, 2));
}

TEST_CASE("lower: an operation's activation has the parameters of the file, as a layer's has") {
  TrainedModel description = test::mmoe_description({5, 2, {6}, 1, {}, 0, 0});
  Node clamped;
  clamped.kind = NodeKind::kSum;
  clamped.inputs = {input_stream()};
  clamped.input_width = 5;
  clamped.activation = {ActivationKind::kClamp, -0.5f, {}, {}, 0, std::numeric_limits<float>::infinity()};
  description.nodes = {clamped};
  const Activation activation = lower(description).description.nodes[0].activation;
  CHECK(activation.alpha == -0.5f);
  CHECK(activation.beta == std::numeric_limits<float>::max());
}

TEST_CASE("lower: a normalised layer has its panels for itself") {
  TrainedModel description = test::mmoe_description({20, 3, {6}, 1, {}, 0, 0});
  Random random(1);
  for (Expert& expert : description.levels[0].experts) {
    expert.layers[0].layer_norm_before_activation = test::random_layer_norm(6, random);
  }
  const LoweredModel model = lower(description);
  const LoweredLevel& level = model.levels[0];
  CHECK(level.experts[2].layers[0].column == 32);
  CHECK(level.gates[0].logits.column == 48);
  const FusedLayer& fused_layer = model.fused_layers[level.experts[0].layers[0].fused_layer];
  CHECK(fused_layer.scale.size() == fused_layer.weight.rows);
  CHECK(fused_layer.scale[32 + 5] == description.levels[0].experts[2].layers[0].layer_norm_before_activation->gamma[5]);
}

TEST_CASE("fold: a weight that leaves the range of a float is refused by name") {
  Random random(2);
  Gate gate;
  gate.logits = test::random_layer(4, 3, random);
  gate.logits->name = "gates.0";
  gate.temperature = 1e-39;
  CHECK_THROWS_WITH_AS(fold_gate(gate), doctest::Contains("gates.0: with its batch norm or temperature"), ConvertError);
}

TEST_CASE("lower: first layers of one stream lie side by side, those of another type in a matrix of their own") {
  TrainedModel description = test::mmoe_description({20, 3, {16}, 2, {8}, 0, 0});
  description.shared_dim = 5;
  description.levels[0].experts[1].layers[0].storage.type = WeightType::kI8;
  description.levels[0].gates[0].logits->storage.type = WeightType::kI8;
  const LoweredModel model = lower(description);
  const LoweredLevel& level = model.levels[0];
  const size_t f32 = level.experts[0].layers[0].fused_layer, i8 = level.experts[1].layers[0].fused_layer;
  CHECK(f32 != i8);
  CHECK(level.experts[2].layers[0].fused_layer == f32);
  CHECK(level.gates[0].logits.fused_layer == i8);
  CHECK(level.gates[1].logits.fused_layer == f32);
  CHECK(model.fused_layers[i8].type == WeightType::kI8);
  CHECK(model.fused_layers[f32].type == WeightType::kF32);
  CHECK(model.fused_layers[i8].name == "level 1, input 1, part 2");
  CHECK(model.fused_layers[i8].shared_inputs == 5);
  CHECK(model.fused_layers[model.towers[0][0].fused_layer].shared_inputs == 0);
  const DenseLayer& expert = description.levels[0].experts[1].layers[0];
  CHECK(model.fused_layers[i8].weight.at(level.experts[1].layers[0].column + 3, 7) == expert.weight.at(3, 7));
}

}  // namespace
}  // namespace mmoe::converter
