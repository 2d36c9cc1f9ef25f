// Writes two models: make_mixed MIXED FEATURES
//
// The first has every activation, trunk, stacked levels, top-k gates and all links; the second has item features
// between the user's.
#include <cstdio>

#include "tests/unit/models.h"

namespace {

bool write(const char* path, const mmoe::converter::TrainedModel& description) {
  const mmoe::test::AlignedBytes bytes = mmoe::test::model_file(description);
  std::FILE* file = std::fopen(path, "wb");
  const bool written = file && std::fwrite(bytes.data(), 1, bytes.size(), file) == bytes.size();
  return file && std::fclose(file) == 0 && written;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3) return 2;
  const bool written =
      write(argv[1], mmoe::test::mixed_description()) && write(argv[2], mmoe::test::feature_description());
  return written ? 0 : 1;
}
