// Parts of x that `reads` lists: features by their names, or columns.
#pragma once

#include <cstddef>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "converter/model/model.h"
#include "converter/reading/json_reader.h"

namespace mmoe::converter {

class InputParts {
 public:
  InputParts() = default;
  /// `features`: those of x, or none; `embeddings`: the tables that they name.
  InputParts(const std::vector<Feature>& features, const std::vector<Embedding>& embeddings);

  bool has_features() const { return !features_.empty(); }
  std::vector<std::string> feature_names() const;
  /// Nothing where there is no such feature.
  std::optional<ColumnRange> feature(const std::string& name) const;
  /// Of the sequence that is kept in these columns; nothing where there is none.
  std::optional<size_t> length_of_sequence(const ColumnRange& columns) const;

  /// The rows that the description itself gives a category, of which these are all columns; null: there are none.
  const Table* constant_rows(const ColumnRange& columns) const;

  /// The columns that an object with `first` and `count` means, of `input_dim`. `task`: whose part reads them; none: it
  /// is shared. Throws for what x does not have, and for columns per task of what is shared.
  static ColumnRange columns(const JsonReader& item, std::optional<size_t> task, size_t input_dim);

 private:
  std::map<std::string, ColumnRange> features_;
  std::map<ColumnRange, size_t> lengths_;         // of sequences that are kept
  std::map<ColumnRange, Table> constant_tables_;  // of categories
};

}  // namespace mmoe::converter
