#include "converter/description/routes.h"

#include "converter/description/text.h"

namespace mmoe::converter {
namespace {

// Beside the largest, e^-128 is 0: where an option mixes more experts than one, the others have no weight.
constexpr float kSpread = 128;

DenseLayer nearest_number(size_t count, const std::string& name) {
  DenseLayer layer;
  layer.name = name;
  layer.weight = {count, 1, std::vector<float>(count)};
  layer.bias.resize(count);
  for (size_t e = 0; e < count; ++e) {
    // Exact: with at most 256 experts these are whole numbers up to 2^23.
    layer.weight.data[e] = kSpread * static_cast<float>(2 * e);
    layer.bias[e] = -kSpread * static_cast<float>(e * e);
  }
  return layer;
}

}  // namespace

void bind_route(const JsonReader& field, size_t width, Gate& gate) {
  const size_t count = gate.experts.size();
  if (width != 1 && width != count) {
    field.fail("is " + counted(width, "column") + " wide, expected 1, the number of the expert, or one for each of " +
               std::to_string(count) + " experts");
  }
  gate.logits = width == count ? identity_layer(count, gate.name) : nearest_number(count, gate.name);
  if (width == count) {
    for (float& weight : gate.logits->weight.data) weight *= kSpread;
  }
  gate.logits->storage.type = WeightType::kF32;
  gate.logits->storage.made = true;
  gate.top_k = 1;
}

}  // namespace mmoe::converter
