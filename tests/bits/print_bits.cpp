// Prints the bits of scores: print_bits NAME=MODEL...
//
// With every exact kernel set that this machine has: all must print the same. The last line names them.
#include <cstdio>
#include <cstring>
#include <string>
#include <vector>

#include "mmoe/kernel_sets.h"
#include "tests/bits/bits.h"

namespace {

mmoe::bits::Memory memory;

std::string bits_of(const std::string& name, const mmoe::Model& model, const char* kernel_set) {
  mmoe::SessionOptions options;
  options.max_batch = 12;
  options.kernel_set = kernel_set;
  auto session = mmoe::Session::create(model, options);
  if (!session) return std::string("error: ") + session.error().message();
  std::string text;
  mmoe::bits::print_model(name.c_str(), model, *session, memory, [&](const char* line) { text += line; });
  return text;
}

int print(const std::string& name, const mmoe::Model& model, std::string& sets) {
  std::string first;
  sets.clear();
  for (std::size_t i = 0; i < mmoe::num_kernel_sets(); ++i) {
    const mmoe::KernelSetInfo set = mmoe::kernel_set(i);
    if (!set.available || !set.exact) continue;
    const std::string text = bits_of(name, model, set.name);
    sets += std::string(" ") + set.name;
    if (first.empty()) std::fputs(text.c_str(), stdout);
    if (!first.empty() && text != first) return std::printf("error: %s has other bits\n", set.name), 1;
    first = text;
  }
  return first.empty() || first.find("error") != std::string::npos;
}

}  // namespace

int main(int argc, char** argv) {
  std::string sets;
  for (int i = 1; i < argc; ++i) {
    const std::string argument = argv[i];
    const std::size_t equals = argument.find('=');
    auto model = mmoe::Model::map(argument.c_str() + equals + 1);
    if (!model) return std::fprintf(stderr, "error: %s\n", model.error().message()), 1;
    if (print(argument.substr(0, equals), *model, sets) != 0) return 1;
  }
  std::printf("sets%s\n", sets.c_str());
  return argc < 2;
}
