// The vocabulary fields of a categorical feature.
#pragma once

#include <cstddef>
#include <string>

#include "converter/model/model.h"
#include "converter/reading/json_reader.h"
#include "converter/reading/vocabulary_keys.h"

namespace mmoe::converter {

/// `vocabulary`, `first_id` and `unknown` of a feature whose embedding table has `table_rows` rows. Throws for
/// duplicate entries and for ids beyond the table, which is named by `table`.
Vocabulary read_vocabulary(const JsonReader& feature, size_t table_rows, const std::string& table, KeySources& sources);

/// Rows of the table that the vocabulary and its rule for unknown values can reach, from the first one.
size_t num_rows(const Vocabulary& vocabulary);

}  // namespace mmoe::converter
