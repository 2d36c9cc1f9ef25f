// What a build says that leaves importers out: importers_left_out WEIGHTS. Linked without libzip, HDF5 and protobuf.
#include <iostream>

#include "converter/error.h"
#include "converter/importers/open_weights.h"

int main(int argc, char** argv) {
  try {
    const auto source = mmoe::converter::open_weights(argv[argc - 1]);
    std::cout << "read as " << source->format() << ", " << source->tensors().size() << " tensors\n";
  } catch (const mmoe::converter::ConvertError& error) {
    std::cout << error.what() << '\n';
    return 1;
  }
}
