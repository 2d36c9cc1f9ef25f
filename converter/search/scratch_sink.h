// A model file that only the conversion reads.
#pragma once

#include "converter/importers/scratch_file.h"
#include "converter/writer/byte_sink.h"

namespace mmoe::converter {

/// In a file without a name, that goes with the process. After view() nothing may be written.
class ScratchSink : public ByteSink {
 public:
  /// `expected_bytes`: a guess.
  explicit ScratchSink(uint64_t expected_bytes) : file_(expected_bytes) {}

  void append(const void* data, size_t bytes) override { file_.append(data, bytes); }
  void replace(uint64_t offset, const void* data, size_t bytes) override { file_.replace(offset, data, bytes); }
  std::string_view view() override { return file_.map(); }

 private:
  ScratchFile file_;
};

}  // namespace mmoe::converter
