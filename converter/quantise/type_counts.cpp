#include "converter/quantise/type_counts.h"

#include <algorithm>

namespace mmoe::converter {
namespace {

template <class Type>
void add(Type type, uint64_t numbers, std::vector<TypeCount<Type>>& counts) {
  auto found = std::find_if(counts.begin(), counts.end(), [&](const TypeCount<Type>& c) { return c.type == type; });
  if (found == counts.end()) found = counts.insert(found, {type, 0, 0});
  ++found->count;
  found->numbers += numbers;
}

}  // namespace

TypeCounts count_types(const LoweredModel& model) {
  TypeCounts counts;
  for (const FusedLayer& layer : model.fused_layers) {
    add(layer.type, uint64_t{layer.weight.rows} * layer.weight.cols, counts.layers);
  }
  for (const Embedding& embedding : model.description.embeddings) {
    const Table& table = embedding.table;
    add(embedding.type.value_or(TableType::kF32), uint64_t{table.rows} * table.cols, counts.tables);
  }
  return counts;
}

}  // namespace mmoe::converter
