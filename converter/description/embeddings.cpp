#include "converter/description/embeddings.h"

#include "converter/description/constant_table.h"
#include "converter/description/stated.h"
#include "converter/error.h"
#include "converter/model/limits.h"
#include "converter/reading/text.h"
#include "converter/shape_text.h"

namespace mmoe::converter {

namespace {

void check_table(const TensorInfo& info) {
  if (info.shape.size() != 2 || info.shape[0] == 0 || info.shape[1] == 0) {
    throw ConvertError(info.name + ": " + shape_text(info.shape) + ", expected an embedding table, [ids, width]");
  }
  if (info.shape[0] > kMaxTableRows || info.shape[1] > kMaxDim) {
    throw ConvertError(info.name + ": " + shape_text(info.shape) + ", expected at most " +
                       shape_text({kMaxTableRows, kMaxDim}));
  }
}

}  // namespace

EmbeddingTables::Part EmbeddingTables::find(const JsonReader& feature) {
  const JsonReader field =
      feature.get("embedding", "the full name of the embedding table's tensor, {\"one_hot\": n} or {\"rows\": list}");
  if (!field.is_object()) return find_tensor(feature, field);
  for (const char* key : {"quantised", "embedding_width", "first_row"}) {
    if (const auto given = feature.find(key)) given->fail("only for a table of the weights file");
  }
  Part part;
  part.constant = constant_table(field);
  part.rows = part.constant->rows;
  part.width = part.constant->cols;
  part.name = field.find("one_hot") ? "one-hot of " + std::to_string(part.width)
                                    : "rows of " + feature.get("name", "").string();
  const uint64_t numbers = uint64_t{part.rows} * part.width;
  if (numbers > kMaxConstants - constants_) {
    field.fail(std::to_string(part.rows) + " rows of " + std::to_string(part.width) +
               " columns: the tables in the description have more than " + std::to_string(kMaxConstants) + " numbers");
  }
  constants_ += static_cast<size_t>(numbers);
  return part;
}

EmbeddingTables::Part EmbeddingTables::find_tensor(const JsonReader& feature, const JsonReader& name) {
  const std::optional<size_t> tensor = tensors_.find(name.string());
  if (!tensor) tensors_.fail_missing(Pattern(name.string(), name.path()));
  const TensorInfo& info = tensors_.info(*tensor);
  check_table(info);
  const KerasLayer* stated = find_stated_embedding(tensors_, *tensor);
  Part part;
  part.tensor = *tensor;
  part.name = info.name;
  part.rows = static_cast<size_t>(info.shape[0]);
  part.width = static_cast<size_t>(info.shape[1]);
  find_codes(feature, part);
  part.mask_zero = stated != nullptr && stated->mask_zero.value_or(false);
  if (const auto first = feature.find("first_row")) {
    part.first = first->count();
    if (*part.first >= part.rows) {
      first->fail_expected("less than " + std::to_string(part.rows) + ", the rows of " + info.name);
    }
    part.rows -= *part.first;
    part.name += " from row " + std::to_string(*part.first);
  }
  return part;
}

// Tensors of scales and biases beside a tensor of bytes say it too.
void EmbeddingTables::find_codes(const JsonReader& feature, Part& part) {
  std::optional<RowForm> form;
  std::optional<size_t> width;
  if (const auto field = feature.find("quantised")) form = static_cast<RowForm>(field->choice(row_form_names()));
  if (const auto field = feature.find("embedding_width")) {
    width = field->count(kMaxDim);
    if (*width == 0) field->fail_expected("1 or more");
  }
  if (form || holds_codes(tensors_.info(part.tensor))) {
    part.coded = coded_layout(tensors_, part.tensor, form, width);
    part.width = part.coded->width;
  } else if (width && *width != part.width) {
    feature.get("embedding_width", "").fail_expected(std::to_string(part.width) + ", the columns of " + part.name);
  }
  const auto [known, added] = coded_.emplace(part.tensor, part.coded);
  if (!added && !(known->second == part.coded)) {
    feature.fail("reads " + part.name + " in another form or width than a feature before it");
  }
}

size_t EmbeddingTables::add(const Part& part, size_t num_rows) {
  const size_t rows = part.first ? num_rows : part.rows;
  for (size_t i = 0; i < embeddings_.size(); ++i) {
    if (embeddings_[i].name == part.name && embeddings_[i].table.rows == rows) return i;
  }
  if (part.constant) {
    embeddings_.push_back({part.name, *part.constant, std::nullopt, true});
    return embeddings_.size() - 1;
  }
  count_rows(part, rows);
  const size_t first = part.first.value_or(0);
  Table table =
      part.coded ? coded_table(tensors_, *part.coded, first, rows) : tensors_.read_rows(part.tensor, first, rows);
  const std::optional<TableType> type = table.stored_as();
  embeddings_.push_back({part.name, std::move(table), type});
  return embeddings_.size() - 1;
}

// Every part is written: without a bound a short description would make a large file of a small one.
void EmbeddingTables::count_rows(const Part& part, size_t rows) {
  const TensorInfo& info = tensors_.info(part.tensor);
  size_t& taken = rows_taken_[part.tensor];
  taken += rows;
  if (taken <= kMostCopies * info.shape[0]) return;
  throw ConvertError(
      info.name + ": it has " + std::to_string(info.shape[0]) +
      " rows, but the features with different `first_row` or size of the " + "vocabulary would copy " +
      std::to_string(taken) + " into the file; at most " + std::to_string(kMostCopies) +
      " times the rows of the table are allowed. Give features that share rows the same `first_row` and size");
}

}  // namespace mmoe::converter
