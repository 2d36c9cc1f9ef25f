// embed_recipes OUTPUT FILE.json...: checks the recipes and writes their texts as a C++ source for library.h. A recipe
// with a fault fails the build with the file, the line and what is wrong, and nothing is written.
#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <map>
#include <sstream>
#include <string>
#include <vector>

#include "converter/error.h"
#include "converter/recipes/rules.h"

namespace mmoe::converter {
namespace {

constexpr const char* kEndOfText = ")recipe\"";

std::string read_file(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream text;
  text << file.rdbuf();
  if (!file) throw ConvertError(path + ": cannot be read");
  return text.str();
}

class Recipes {
 public:
  void add(const std::string& path) {
    const std::string text = read_file(path);
    const std::string library = check_recipe_text(text, path);
    if (text.find(kEndOfText) != text.npos) throw ConvertError(path + ":1: error: the text may not hold " + kEndOfText);
    const auto [same, is_new] = paths_.emplace(library, path);
    if (!is_new) throw ConvertError(path + ":1: error: \"" + library + "\" is the library of " + same->second + " too");
    entries_ +=
        "      {\"" + std::filesystem::path(path).stem().string() + "\", R\"recipe(" + text + kEndOfText + "},\n";
  }

  std::string source() const {
    return "#include \"converter/recipes/library.h\"\n\nnamespace mmoe::converter {\n\n"
           "const std::vector<LibraryText>& library_texts() {\n  static const std::vector<LibraryText> texts = {\n" +
           entries_ + "  };\n  return texts;\n}\n\n}  // namespace mmoe::converter\n";
  }

 private:
  std::map<std::string, std::string> paths_;  // by the library's name
  std::string entries_;
};

// All faults, not the first alone.
int embed(const std::string& output, std::vector<std::string> paths) {
  std::sort(paths.begin(), paths.end());
  Recipes recipes;
  int faults = 0;
  for (const std::string& path : paths) {
    try {
      recipes.add(path);
    } catch (const ConvertError& error) {
      std::fprintf(stderr, "%s\n", error.what());
      ++faults;
    }
  }
  if (faults > 0) return 1;
  std::ofstream file(output, std::ios::binary);
  file << recipes.source();
  file.close();
  if (file) return 0;
  std::fprintf(stderr, "%s: cannot be written\n", output.c_str());
  return 1;
}

}  // namespace
}  // namespace mmoe::converter

int main(int argc, char** argv) {
  if (argc < 3) {
    std::fputs("usage: embed_recipes OUTPUT FILE.json...\n", stderr);
    return 2;
  }
  return mmoe::converter::embed(argv[1], std::vector<std::string>(argv + 2, argv + argc));
}
