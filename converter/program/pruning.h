// `--prune`: a model without the ids that the user's rows hardly have, and what it was before.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "converter/program/convert.h"
#include "converter/prune/prune.h"
#include "converter/search/scratch_sink.h"

namespace mmoe::converter {

class Pruning {
 public:
  /// Writes and checks a scratch file of the whole model in f32, whose vocabularies count the ids of `rows_path`, and
  /// prunes the model. `scratch_bytes`: a guess of the file's. Throws as convert(), count_ids() and prune() do.
  Pruning(const ProvenanceInfo& provenance, const ConvertOptions& options, const std::string& rows_path, uint32_t least,
          uint64_t scratch_bytes, TrainedModel& model);

  const TrainedModel& whole_model() const { return whole_; }
  std::string_view whole_file() { return file_.view(); }

  /// What was dropped, for `rows_path`, in lines of text.
  std::vector<std::string> describe() const;

 private:
  TrainedModel whole_;
  ScratchSink file_;
  std::string rows_file_;
  uint32_t least_;
  PruneReport report_;
};

}  // namespace mmoe::converter
