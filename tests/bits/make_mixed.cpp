// Writes models of all kinds of parts: make_mixed FOLDER
//
// mixed.mmoe has every activation, trunk, stacked levels, top-k gates and all links; features.mmoe has item features
// between the user's. FORMAT.mixed.mmoe and FORMAT.features.mmoe are the same with weights of another type, and tables.
#include <cstdio>
#include <string>

#include "converter/model/number_names.h"
#include "tests/unit/models.h"

namespace {

bool write(const std::string& path, const mmoe::converter::TrainedModel& description,
           const mmoe::converter::NumberOptions& numbers) {
  const mmoe::test::AlignedBytes bytes = mmoe::test::model_file(description, 4, numbers);
  std::FILE* file = std::fopen(path.c_str(), "wb");
  const bool written = file && std::fwrite(bytes.data(), 1, bytes.size(), file) == bytes.size();
  return file && std::fclose(file) == 0 && written;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) return 2;
  const std::string folder = std::string(argv[1]) + "/";
  for (const mmoe::converter::NumberOptions& numbers : mmoe::test::all_numbers()) {
    const std::string format = mmoe::converter::name_of(numbers.weights);
    const std::string begin = folder + (format == "f32" ? "" : format + ".");
    if (!write(begin + "mixed.mmoe", mmoe::test::mixed_description(), numbers)) return 1;
    if (!write(begin + "features.mmoe", mmoe::test::feature_description(), numbers)) return 1;
  }
  return 0;
}
