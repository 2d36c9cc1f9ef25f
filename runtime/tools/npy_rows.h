// Rows of a model without features from a .npy file.
#pragma once

#include <cstdint>
#include <string>

#include "runtime/tools/npy_reader.h"
#include "runtime/tools/row_reader.h"

namespace mmoe::tools {

class NpyRows final : public RowSource {
 public:
  /// Reads the array's header. The source must stay as long as this object.
  NpyRows(ByteSource& bytes, const InputSpec& spec, const RowReaderOptions& options);

  void read(RowBatch& batch) override;
  std::string where(std::size_t row) const override;
  std::vector<std::string> spare_columns() const override { return {}; }
  void keep(const std::vector<std::string>& names) override;

 private:
  [[noreturn]] void refuse_names() const;

  std::string name_;
  NpyReader array_;
  std::uint64_t first_row_ = 0;  ///< of the last batch
  std::uint64_t next_row_ = 0;
};

}  // namespace mmoe::tools
