// What a search has found, in lines of text.
#pragma once

#include <string>
#include <vector>

#include "converter/search/search.h"

namespace mmoe::converter {

std::vector<std::string> describe_search(const SearchResult& result);

}  // namespace mmoe::converter
