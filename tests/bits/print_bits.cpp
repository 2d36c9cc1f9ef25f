// Prints the bits of scores: print_bits NAME=MODEL...
//
// With every exact kernel set that this machine has: all must print the same. The last line names them.
#include <cstdio>
#include <cstring>
#include <string>
#include <vector>

#include "tests/bits/bits.h"

namespace {

// Every name there is; those that this build or machine lacks are refused and skipped.
constexpr const char* kSets[] = {"avx512", "avx2", "fma3", "neon64", "neon", "mve", "fpu", "scalar"};

mmoe::bits::Memory memory;

// Empty where this machine has no such set.
std::string bits_of(const std::string& name, const mmoe::Model& model, const char* isa) {
  mmoe::SessionOptions options;
  options.max_batch = 12;
  options.isa = isa;
  auto session = mmoe::Session::create(model, options);
  if (!session || !session->plan().is_exact()) return "";
  std::string text;
  mmoe::bits::print_model(name.c_str(), model, *session, memory, [&](const char* line) { text += line; });
  return text;
}

int print(const std::string& name, const mmoe::Model& model, std::string& sets) {
  std::string first;
  sets.clear();
  for (const char* isa : kSets) {
    const std::string text = bits_of(name, model, isa);
    if (text.empty()) continue;
    sets += std::string(" ") + isa;
    if (first.empty()) std::fputs(text.c_str(), stdout);
    if (!first.empty() && text != first) return std::printf("error: %s has other bits\n", isa), 1;
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
