#include "converter/search/parts.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <numeric>
#include <optional>
#include <utility>

#include "converter/error.h"
#include "converter/lowering/lowered.h"
#include "converter/model/every_layer.h"
#include "converter/model/number_names.h"
#include "converter/quantise/quantise.h"
#include "converter/quantise/round.h"
#include "converter/search/patterns.h"
#include "kernels/stored.h"

namespace mmoe::converter {
namespace {

// Where a layer stands: its fused layer and, since gates may need more digits than experts do, which of the two it is.
struct Place {
  std::string fine, coarse;  // equal texts: one part
  std::string name;
  uint64_t numbers = 0;
  float largest = 0;  // of its weights
  size_t inputs = 0;
  bool free = false;  // the description does not say its type
};

using Layers = std::vector<const DenseLayer*>;
using LoweredLayers = std::vector<const LoweredDense*>;

Layers pointers(const Mlp& layers, const std::optional<DenseLayer>& last = std::nullopt) {
  Layers all;
  for (const DenseLayer& layer : layers) all.push_back(&layer);
  if (last) all.push_back(&*last);
  return all;
}

LoweredLayers pointers(const LoweredMlp& layers) {
  LoweredLayers all;
  for (const LoweredDense& layer : layers) all.push_back(&layer);
  return all;
}

LoweredLayers pointers(const LoweredGate& gate, bool has_logits) {
  LoweredLayers all = pointers(gate.hidden);
  if (has_logits) all.push_back(&gate.logits);
  return all;
}

// Walks a model and what became of it by lowering, which may have put layers between.
class PlaceFinder {
 public:
  PlaceFinder(const TrainedModel& model, const LoweredModel& lowered) : model_(model), lowered_(lowered) {}

  std::vector<Place> find() {
    const TrainedModel& folded = lowered_.description;
    add_all(pointers(model_.trunk), pointers(folded.trunk), pointers(lowered_.trunk), "trunk");
    for (size_t l = 0; l < model_.levels.size(); ++l) {
      add_nodes(l);
      const std::string level = "level " + std::to_string(l + 1);
      for (size_t e = 0; e < model_.levels[l].experts.size(); ++e) {
        add_all(pointers(model_.levels[l].experts[e].layers), pointers(folded.levels[l].experts[e].layers),
                pointers(lowered_.levels[l].experts[e].layers), level + ", experts");
      }
      for (size_t g = 0; g < model_.levels[l].gates.size(); ++g) {
        const Gate &gate = model_.levels[l].gates[g], &after = folded.levels[l].gates[g];
        add_all(pointers(gate.hidden, gate.logits), pointers(after.hidden, after.logits),
                pointers(lowered_.levels[l].gates[g], after.logits.has_value()), level + ", gates");
      }
    }
    add_nodes(model_.levels.size());
    for (size_t t = 0; t < model_.towers.size(); ++t) {
      add_all(pointers(model_.towers[t].layers), pointers(folded.towers[t].layers), pointers(lowered_.towers[t]),
              "towers");
    }
    return std::move(places_);
  }

 private:
  // Those behind so many levels.
  void add_nodes(size_t level) {
    const size_t made = lowered_.description.nodes.size() - model_.nodes.size();  // embeddings, in front of the others
    for (size_t n = 0; n < model_.nodes.size(); ++n) {
      if (model_.nodes[n].level != level) continue;
      const Node& folded = lowered_.description.nodes[made + n];
      Layers after = pointers(folded.attention.parts);
      for (const DenseLayer& layer : folded.layers) after.push_back(&layer);
      add_all(pointers(model_.nodes[n].layers), after, pointers(lowered_.nodes[made + n]), "nodes");
    }
  }

  void add_all(const Layers& layers, const Layers& folded, const LoweredLayers& lowered, const std::string& where) {
    size_t next = 0;
    for (size_t i = 0; i < folded.size() && next < layers.size(); ++i) {
      if (folded[i]->name != layers[next]->name) continue;
      ++next;
      add(*layers[next - 1], *folded[i], *lowered[i], where, next);
    }
    if (next < layers.size()) throw ConvertError("internal error: " + layers[next]->name + " was lost by lowering");
  }

  void add(const DenseLayer& layer, const DenseLayer& folded, const LoweredDense& lowered, const std::string& where,
           size_t number) {
    Place place;
    place.fine = std::to_string(lowered.fused_layer) + where;
    place.coarse = where + ", layer " + std::to_string(number);
    place.name = layer.name;
    place.numbers = uint64_t{folded.weight.rows} * folded.weight.cols;
    for (const float weight : folded.weight.data) place.largest = std::max(place.largest, std::abs(weight));
    place.inputs = folded.inputs();
    place.free = !layer.storage.type.has_value();
    places_.push_back(std::move(place));
  }

  const TrainedModel& model_;
  const LoweredModel& lowered_;
  std::vector<Place> places_;
};

std::vector<Place> find_places(const TrainedModel& model) {
  TrainedModel f32 = model;
  choose_f32(f32);
  return PlaceFinder(model, lower(f32)).find();
}

// Which part each layer belongs to: those of one place, and those of one tensor, of which `numbers` cannot say
// different types.
std::vector<size_t> group(const std::vector<Place>& places, bool coarse) {
  std::vector<size_t> group_of(places.size());
  std::iota(group_of.begin(), group_of.end(), size_t{0});
  std::map<std::string, size_t> by_place, by_name;
  const auto join = [&](size_t a, size_t b) {
    const size_t from = std::max(group_of[a], group_of[b]), to = std::min(group_of[a], group_of[b]);
    std::replace(group_of.begin(), group_of.end(), from, to);
  };
  for (size_t i = 0; i < places.size(); ++i) {
    if (!places[i].free) continue;
    join(i, by_place.try_emplace(coarse ? places[i].coarse : places[i].fine, i).first->second);
    join(i, by_name.try_emplace(places[i].name, i).first->second);
  }
  return group_of;
}

std::string name_of_part(const std::vector<Place>& places, const std::vector<size_t>& members) {
  std::vector<std::string> names;
  for (const size_t i : members) names.push_back(places[i].name);
  const std::string one = common_pattern(names);
  return one.empty() ? places[members.front()].coarse : one;
}

// f16 where its range suffices, else bf16.
std::vector<uint8_t> types_of(const std::vector<Place>& places, const std::vector<size_t>& members) {
  float largest = 0;
  size_t inputs = 0;
  for (const size_t i : members) {
    largest = std::max(largest, places[i].largest);
    inputs = std::max(inputs, places[i].inputs);
  }
  std::vector<uint8_t> types;
  const auto add = [&](WeightType type) { types.push_back(static_cast<uint8_t>(type)); };
  if (largest <= kLargestF16) {
    add(WeightType::kF16);
  } else if (round_to_bf16(largest) != 0x7f80) {
    add(WeightType::kBF16);
  }
  add(WeightType::kI8);
  if (inputs <= kernels::kMaxW8A8Inputs) add(WeightType::kW8A8);
  return types;
}

std::vector<Part> layer_parts(const std::vector<Place>& places, bool coarse) {
  const std::vector<size_t> group_of = group(places, coarse);
  std::map<size_t, std::vector<size_t>> groups;
  for (size_t i = 0; i < places.size(); ++i) {
    if (places[i].free) groups[group_of[i]].push_back(i);
  }
  std::vector<Part> parts;
  for (const auto& [first, members] : groups) {
    Part part{name_of_part(places, members), false, members, 0, types_of(places, members)};
    for (const size_t i : members) part.numbers += places[i].numbers;
    parts.push_back(std::move(part));
  }
  return parts;
}

float largest_element(const Table& table) {
  constexpr size_t kAtOnce = size_t{1} << 18;  // elements
  const size_t rows_at_once = std::min(table.rows, std::max<size_t>(1, kAtOnce / std::max<size_t>(1, table.cols)));
  std::vector<float> rows(rows_at_once * table.cols);
  float largest = 0;
  for (size_t first = 0; first < table.rows; first += rows_at_once) {
    const size_t count = std::min(rows_at_once, table.rows - first);
    table.read(first, count, rows.data());
    for (size_t i = 0; i < count * table.cols; ++i) largest = std::max(largest, std::abs(rows[i]));
  }
  return largest;
}

// All tables of one name, of which `numbers` cannot say different types.
Part table_part(const std::vector<Embedding>& embeddings, size_t first) {
  Part part{embeddings[first].name, true, {}, 0, {}};
  float largest = 0;
  for (size_t i = first; i < embeddings.size(); ++i) {
    const Table& table = embeddings[i].table;
    if (embeddings[i].name != part.name) continue;
    part.members.push_back(i);
    part.numbers += uint64_t{table.rows} * table.cols;
    largest = std::max(largest, largest_element(table));
  }
  const auto add = [&](TableType type) { part.types.push_back(static_cast<uint8_t>(type)); };
  if (largest <= kLargestF16) add(TableType::kF16);
  if (largest <= 1e37F) add(TableType::kU8);  // beyond, a row's range might overflow a float
  if (largest <= kLargestF16) add(TableType::kU4);
  return part;
}

}  // namespace

std::vector<Part> find_parts(const TrainedModel& model, size_t most) {
  const std::vector<Place> places = find_places(model);
  std::vector<Part> parts = layer_parts(places, false);
  if (parts.size() > most) parts = layer_parts(places, true);
  const std::vector<Embedding>& tables = model.embeddings;
  for (size_t i = 0; i < tables.size(); ++i) {
    const auto first =
        std::find_if(tables.begin(), tables.end(), [&](const auto& t) { return t.name == tables[i].name; });
    if (!tables[i].type && first == tables.begin() + static_cast<std::ptrdiff_t>(i)) {
      parts.push_back(table_part(tables, i));
    }
  }
  return parts;
}

void apply(const std::vector<Part>& parts, const Choice& choice, TrainedModel& model) {
  std::vector<WeightType> types;
  for_each_layer(model, [&](const DenseLayer&) { types.push_back(WeightType::kF32); });
  for (size_t i = 0; i < parts.size(); ++i) {
    for (const size_t member : parts[i].members) {
      if (parts[i].is_table) {
        model.embeddings[member].type = static_cast<TableType>(choice[i]);
      } else {
        types[member] = static_cast<WeightType>(choice[i]);
      }
    }
  }
  size_t next = 0;
  for_each_layer(model,
                 [&](DenseLayer& layer) { layer.storage.type = layer.storage.type.value_or(types[next]), ++next; });
  for (Embedding& embedding : model.embeddings) embedding.type = embedding.type.value_or(TableType::kF32);
}

const std::string& type_name(const Part& part, uint8_t type) {
  return part.is_table ? name_of(static_cast<TableType>(type)) : name_of(static_cast<WeightType>(type));
}

}  // namespace mmoe::converter
