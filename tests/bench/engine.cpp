#include "tests/bench/engine.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace mmoe::bench {

float largest_difference(const Case& what, const float* scores) {
  float largest = 0;
  for (std::size_t i = 0; i < what.batch * what.network->num_tasks(); ++i) {
    const float difference = std::fabs(scores[i] - what.expected[i]);
    if (std::isnan(difference)) return std::numeric_limits<float>::infinity();
    largest = std::max(largest, difference);
  }
  return largest;
}

void require_model_file(const std::filesystem::path& folder, const std::string& ending, const std::string& maker) {
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    const std::string name = entry.path().filename().string();
    if (name.size() > ending.size() && name.compare(name.size() - ending.size(), ending.size(), ending) == 0) return;
  }
  throw Unavailable(folder.string() + " has no file *" + ending + " (" + maker + " writes it)");
}

}  // namespace mmoe::bench
