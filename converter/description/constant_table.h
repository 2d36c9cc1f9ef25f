// Tables that no training has learned: the description has them in the place of an embedding's tensor.
#pragma once

#include "converter/model/table.h"
#include "converter/reading/json_reader.h"

namespace mmoe::converter {

/// {"one_hot": n, "ids": m}: id i has a 1 in column i and zeros else, and ids from n on, of m, zeros alone; m is n
/// where it is left out. {"rows": [[...], ...]}: a row for each id. Throws ConvertError for what is neither.
Table constant_table(const JsonReader& field);

}  // namespace mmoe::converter
