// The embedding tables that categorical features name.
#pragma once

#include <cstddef>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "converter/description/coded_table.h"
#include "converter/model/model.h"
#include "converter/model/table.h"
#include "converter/reading/json_reader.h"
#include "converter/reading/tensor_index.h"

namespace mmoe::converter {

/// Features that name the same table share one; where all fields lie in one table, behind each other (an offset per
/// field), each feature has its own rows of it.
class EmbeddingTables {
 public:
  EmbeddingTables(TensorIndex& tensors, std::vector<Embedding>& embeddings)
      : tensors_(tensors), embeddings_(embeddings) {}

  /// A table, or what lies from a row on.
  struct Part {
    /// Of a table in the description: none of the fields below but name, rows and width.
    std::optional<Table> constant{};
    size_t tensor = 0;
    std::string name;
    std::optional<size_t> first;  ///< none: the whole table
    size_t rows = 0;
    size_t width = 0;
    std::optional<CodedLayout> coded{};  ///< its rows are codes
    bool mask_zero = false;              ///< the file says that Keras masks id 0 of a sequence
  };

  /// `embedding`, `quantised`, `embedding_width` and `first_row` of a feature. Throws where there is no such table or
  /// row.
  Part find(const JsonReader& feature);

  /// Index into the embeddings. Of a part of a table the first `num_rows` rows are kept.
  size_t add(const Part& part, size_t num_rows);

 private:
  static constexpr size_t kMostCopies = 16;

  Part find_tensor(const JsonReader& feature, const JsonReader& name);
  void find_codes(const JsonReader& feature, Part& part);
  void count_rows(const Part& part, size_t rows);

  TensorIndex& tensors_;
  std::vector<Embedding>& embeddings_;
  size_t constants_ = 0;                                // numbers in the constant tables
  std::map<size_t, size_t> rows_taken_;                 // of each tensor
  std::map<size_t, std::optional<CodedLayout>> coded_;  // as the first feature that names the tensor has it
};

}  // namespace mmoe::converter
