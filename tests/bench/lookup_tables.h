// Embedding tables for the benchmark of lookups, and models that read them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "converter/model/model.h"
#include "tests/bench/aligned.h"

namespace mmoe::bench {

struct LookupSizes {
  std::size_t num_features = 20;
  std::size_t table_rows = 1000000;
  std::size_t dim = 16;  ///< of an embedding

  std::size_t x_dim() const { return num_features * dim; }
};

/// A table [table_rows, dim] per feature, of numbers in [-1, 1), the same in every run.
class LookupTables {
 public:
  explicit LookupTables(const LookupSizes& sizes);

  const LookupSizes& sizes() const { return sizes_; }
  const float* row(std::size_t feature, std::size_t id) const { return tables_[feature]->data() + id * sizes_.dim; }
  float* table(std::size_t feature) { return tables_[feature]->data(); }

  /// The smallest model whose input is these features, one after the other.
  converter::TrainedModel model() const;

 private:
  LookupSizes sizes_;
  std::vector<std::shared_ptr<AlignedFloats>> tables_;
};

/// The file of that model with tables of a type. Memory: as much again as the tables in f32.
std::vector<std::uint8_t> lookup_model_file(const LookupTables& tables, converter::TableType type);

/// How far a number of a stored row may be from the row in f32: half a step between the row's least and greatest
/// number, for f16 half a unit in the last place. Scale and bias of a row have rounding errors of their own, of which
/// those of u4, in f16, are the largest: 2^-11 of each.
float largest_rounding(const float* row, std::size_t dim, converter::TableType type);

}  // namespace mmoe::bench
