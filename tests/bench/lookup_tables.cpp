#include "tests/bench/lookup_tables.h"

#include <algorithm>
#include <cmath>

#include "converter/program/convert.h"
#include "tests/unit/models.h"

namespace mmoe::bench {
namespace {

using converter::TableType;

class RowsInMemory : public converter::TableRows {
 public:
  RowsInMemory(std::shared_ptr<const AlignedFloats> data, std::size_t dim) : data_(std::move(data)), dim_(dim) {}
  void read(std::size_t first, std::size_t count, float* to) const override {
    std::copy_n(data_->data() + first * dim_, count * dim_, to);
  }

 private:
  std::shared_ptr<const AlignedFloats> data_;
  std::size_t dim_;
};

void fill(float* numbers, std::size_t size, std::uint32_t seed) {
  std::uint32_t state = seed;
  for (std::size_t i = 0; i < size; ++i) {
    state = state * 1664525u + 1013904223u;
    numbers[i] = static_cast<float>(static_cast<std::int32_t>(state)) / 2147483648.0f;
  }
}

}  // namespace

LookupTables::LookupTables(const LookupSizes& sizes) : sizes_(sizes) {
  for (std::size_t f = 0; f < sizes.num_features; ++f) {
    tables_.push_back(std::make_shared<AlignedFloats>(sizes.table_rows * sizes.dim));
    fill(tables_.back()->data(), tables_.back()->size(), static_cast<std::uint32_t>(f + 1));
  }
}

converter::TrainedModel LookupTables::model() const {
  converter::TrainedModel model = test::mmoe_description({sizes_.x_dim(), 1, {16}, 1, {8}, 0, 0});
  model.name = "lookups";
  for (std::size_t f = 0; f < sizes_.num_features; ++f) {
    const std::string name = "feature" + std::to_string(f);
    const auto rows = std::make_shared<RowsInMemory>(tables_[f], sizes_.dim);
    model.embeddings.push_back({name, converter::Table::of(sizes_.table_rows, sizes_.dim, rows)});
    converter::SparseFeature feature;
    feature.vocabulary.identity = true;
    feature.vocabulary.size = sizes_.table_rows;
    feature.embedding = f;
    model.features.push_back({name, converter::Side::kContext, sizes_.dim, feature});
  }
  return model;
}

std::vector<std::uint8_t> lookup_model_file(const LookupTables& tables, TableType type) {
  converter::ConvertOptions options;
  options.num_golden_rows = 4;
  options.numbers.tables = type;
  return converter::convert(tables.model(), {"lookups", 0, 0}, options).file;
}

float largest_rounding(const float* row, std::size_t dim, TableType type) {
  const auto [least, greatest] = std::minmax_element(row, row + dim);
  const float magnitude = std::max(std::fabs(*least), std::fabs(*greatest)), range = *greatest - *least;
  switch (type) {
    case TableType::kF32: return 0;
    case TableType::kF16: return magnitude * 0x1p-11f;
    case TableType::kU8: return range / 255 * 0.5f + magnitude * 0x1p-20f;
    case TableType::kU4: return range / 15 * 0.5f + (magnitude + range) * 0x1p-11f;
  }
  return 0;
}

}  // namespace mmoe::bench
