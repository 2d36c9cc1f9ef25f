// Columns of what a layer reads that are the same for every row, such as a task's embedding.
#pragma once

#include <cstddef>
#include <optional>
#include <vector>

#include "converter/model/model.h"

namespace mmoe::converter {

/// Their place among all columns that the layer reads.
class ConstantColumns {
 public:
  /// Behind those that were added before.
  void add(size_t first, std::vector<float> values) { runs_.push_back({first, std::move(values)}); }
  bool empty() const { return runs_.empty(); }
  size_t width() const;
  /// These and the columns of a stream, whose width may not be known.
  std::optional<size_t> with(std::optional<size_t> stream) const;
  /// The layer without these columns: what they add is in its bias.
  void fold_into(DenseLayer& layer) const;

 private:
  struct Run {
    size_t first;
    std::vector<float> values;
  };
  std::vector<Run> runs_;
};

}  // namespace mmoe::converter
