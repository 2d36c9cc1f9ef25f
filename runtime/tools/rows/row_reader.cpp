#include "runtime/tools/rows/row_reader.h"

#include <utility>

#include "runtime/tools/rows/csv_rows.h"
#include "runtime/tools/rows/npy_rows.h"
#include "runtime/tools/rows/row_format.h"

namespace mmoe::tools {

RowReader::RowReader(const std::string& path, InputSpec spec, RowReaderOptions options)
    : spec_(std::move(spec)),
      options_(std::move(options)),
      bytes_(path),
      batch_(spec_, rows_that_fit(spec_, options_.batch_rows)) {
  if (detect_row_format(bytes_) == RowFormat::kNpy) {
    rows_ = std::make_unique<NpyRows>(bytes_, spec_, options_);
  } else {
    rows_ = std::make_unique<CsvRows>(bytes_, spec_, options_);
  }
}

const RowBatch* RowReader::next() {
  rows_->read(batch_);
  return batch_.num_rows() > 0 ? &batch_ : nullptr;
}

}  // namespace mmoe::tools
