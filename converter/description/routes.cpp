#include "converter/description/routes.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "converter/reading/text.h"

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

// The expert that a row of a category's table takes.
size_t taken_expert(const JsonReader& field, const std::vector<float>& row, size_t id, size_t count) {
  if (row.size() > 1) return static_cast<size_t>(std::max_element(row.begin(), row.end()) - row.begin());
  const float number = row.front();
  if (number >= 0 && number < static_cast<float>(count) && std::floor(number) == number)
    return static_cast<size_t>(number);
  field.fail("row " + std::to_string(id) + " of the category's embedding names none of " + counted(count, "expert") +
             ", which are counted from 0");
}

void check_rows(const JsonReader& field, const Table& table, size_t count) {
  std::vector<bool> taken(count);
  for (size_t id = 0; id < table.rows; ++id) taken[taken_expert(field, table.row(id), id, count)] = true;
  const auto missed = std::find(taken.begin(), taken.end(), false);
  if (missed == taken.end()) return;
  field.fail("no row of the category's embedding takes expert " + std::to_string(missed - taken.begin()) + " of " +
             std::to_string(count) + "; `mixes` may leave an expert out");
}

}  // namespace

void bind_route(const JsonReader& field, const Streams& streams, Gate& gate) {
  const size_t count = gate.experts.size(), width = streams.width(gate.input).value_or(0);
  if (width != 1 && width != count) {
    field.fail("is " + counted(width, "column") + " wide, expected 1, the number of the expert, or one for each of " +
               std::to_string(count) + " experts");
  }
  if (const Table* table = streams.constant_rows(gate.input)) check_rows(field, *table, count);
  gate.logits = width == count ? identity_layer(count, gate.name) : nearest_number(count, gate.name);
  if (width == count) {
    for (float& weight : gate.logits->weight.data) weight *= kSpread;
  }
  gate.logits->storage.type = WeightType::kF32;
  gate.logits->storage.made = true;
  gate.top_k = 1;
}

}  // namespace mmoe::converter
