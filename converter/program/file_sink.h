// A model file on its way to disk.
#pragma once

#include <memory>
#include <string>

#include "converter/importers/mapped_file.h"
#include "converter/program/byte_progress.h"
#include "converter/writer/byte_sink.h"
#include "runtime/tools/support/output_file.h"

namespace mmoe::converter {

/// Writes to an output file, and maps it to be read. Errors are ToolError's and ConvertError's, naming the file.
class FileSink : public ByteSink {
 public:
  explicit FileSink(const std::string& path);

  void append(const void* data, size_t bytes) override;
  void replace(uint64_t offset, const void* data, size_t bytes) override;
  std::string_view view() override;

  /// Makes the file durable and gives it its name.
  void commit();

 private:
  mmoe::tools::OutputFile file_;
  std::unique_ptr<MappedFile> mapping_;
  ByteProgress progress_;
};

}  // namespace mmoe::converter
