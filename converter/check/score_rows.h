// The user's rows, scored with a file and with the same model in f32.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "converter/check/score_change.h"
#include "mmoe/session.h"

namespace mmoe::converter {

/// A file that a conversion has written, to be scored. Its bytes must stay as long.
struct LoadedFile {
  /// `max_batch`: rows of a call. Limits are not looked at. Throws ConvertError.
  LoadedFile(std::string_view file, size_t max_batch);

  Model model;
  Session session;
};

/// Scores the user's rows (CSV or .npy, as mmoe-score reads them) with both files. `labels`: "TASK=COLUMN", as
/// mmoe-inspect has them. Holds in memory 12 bytes for each label. Throws ConvertError or ToolError, naming the row's
/// file, where they cannot be read or scored, and where labels cannot tell the quality.
void add_rows(std::string_view file, std::string_view f32_file, const std::string& rows_path,
              const std::vector<std::string>& labels, ScoreDifferences& differences);

}  // namespace mmoe::converter
