// What a search has tried, as one HTML page.
#pragma once

#include <string>

#include "converter/search/search.h"

namespace mmoe::converter {

struct SearchPageNames {
  std::string model;
  std::string rows_file;
  std::string output_file;
  std::string numbers;  ///< JSON, to repeat the choice
};

/// Needs no other file and no script; for readers who have never made numbers smaller.
std::string search_page(const SearchResult& result, const SearchPageNames& names);

}  // namespace mmoe::converter
