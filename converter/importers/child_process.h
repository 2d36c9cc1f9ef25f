// Runs a library that was not made for hostile files in a process of its own, so that a crash, an endless loop or a
// huge allocation of it is an error message and nothing else.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string_view>

#include "converter/importers/scratch_file.h"

namespace mmoe::converter {

/// Where the child writes; throws ConvertError beyond the limit.
class ChildSink {
 public:
  explicit ChildSink(ScratchFile& file) : file_(file) {}
  void write(const void* data, size_t size) { file_.append(data, size); }
  void write(std::string_view text) { write(text.data(), text.size()); }

 private:
  ScratchFile& file_;
};

struct ChildLimits {
  uint64_t memory_bytes = 0;  ///< on top of what the process has; not under a sanitizer, which takes its own
  uint64_t output_bytes = 0;
  unsigned cpu_seconds = 0;
};

/// Calls `work` in a forked child and returns what it wrote, of which `expected_bytes` is a guess (see ScratchFile). A
/// ConvertError that it throws is thrown here; so is one that says how the child died, beginning with `what` ("the HDF5
/// library").
ScratchFile run_in_child(const std::function<void(ChildSink&)>& work, const ChildLimits& limits,
                         uint64_t expected_bytes, std::string_view what);

}  // namespace mmoe::converter
