// Writes the four models of the benchmark, with random weights: make_models DIRECTORY [TYPE]
//
// TYPE is how weights are stored, as --weights of mmoe-convert takes it; the files are then NAME.TYPE.mmoe.
#include <algorithm>
#include <fstream>
#include <iostream>
#include <string>

#include "converter/model/number_names.h"
#include "converter/program/convert.h"
#include "tests/unit/models.h"

int main(int argc, char** argv) {
  const auto& types = mmoe::converter::weight_type_names();
  const std::string type = argc == 3 ? argv[2] : "f32";
  const auto found = std::find(types.begin(), types.end(), type);
  if (argc < 2 || argc > 3 || found == types.end()) {
    std::cerr << "usage: make_models DIRECTORY [TYPE]\n";
    return 2;
  }
  const std::pair<const char*, mmoe::test::MmoeSizes> models[] = {
      {"paper", {100, 8, {16}, 2, {8}, 0, 0}},
      {"small", {128, 4, {64, 32}, 2, {16}, 0, 0}},
      {"medium", {512, 8, {256, 128}, 3, {64}, 0, 0}},
      {"large", {1024, 16, {512, 256}, 4, {128, 64}, 0, 0}},
  };
  for (const auto& [name, sizes] : models) {
    const std::string path = std::string(argv[1]) + "/" + name + (argc == 3 ? "." + type : "") + ".mmoe";
    mmoe::converter::ConvertOptions options;
    options.num_golden_rows = 1;
    options.numbers.weights = static_cast<mmoe::converter::WeightType>(found - types.begin());
    const auto converted = mmoe::converter::convert(mmoe::test::mmoe_description(sizes), {name, 0, 0}, options);
    std::ofstream file(path, std::ios::binary);
    file.write(reinterpret_cast<const char*>(converted.file.data()),
               static_cast<std::streamsize>(converted.file.size()));
    if (!file.flush()) {
      std::cerr << path << ": cannot be written\n";
      return 1;
    }
    std::cout << path << '\n';
  }
}
