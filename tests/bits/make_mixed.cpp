// Writes a model that has every activation, trunk, stacked levels, top-k gates and all links: make_mixed FILE
#include <cstdio>

#include "tests/unit/models.h"

int main(int argc, char** argv) {
  if (argc != 2) return 2;
  const mmoe::test::AlignedBytes bytes = mmoe::test::model_file(mmoe::test::mixed_description());
  std::FILE* file = std::fopen(argv[1], "wb");
  const bool written = file && std::fwrite(bytes.data(), 1, bytes.size(), file) == bytes.size();
  return file && std::fclose(file) == 0 && written ? 0 : 1;
}
