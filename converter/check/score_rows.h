// The user's rows, scored with a file and with the same model in f32.
#pragma once

#include <string>
#include <string_view>

#include "converter/check/score_change.h"

namespace mmoe::converter {

/// Scores the user's rows (CSV or .npy, as mmoe-score reads them) with both files. Throws ConvertError, naming the
/// row's file, where they cannot be read or scored.
void add_rows(std::string_view file, std::string_view f32_file, const std::string& rows_path,
              ScoreDifferences& differences);

}  // namespace mmoe::converter
