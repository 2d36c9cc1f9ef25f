// hashes: nanoseconds of the hash functions by which categories get buckets. hashes.py has the libraries' own.
#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <optional>
#include <string>
#include <vector>

#include "core/hashes.h"
#include "core/xxh64.h"
#include "runtime/tools/bench/timing.h"
#include "runtime/tools/support/command_line.h"

namespace mmoe::bench {
namespace {

using Clock = std::chrono::steady_clock;

constexpr const char* kDescription =
    "Times the hash functions of texts, of which each is 8, 24 or 100 bytes, in turn: nanoseconds of one hash, the\n"
    "fastest and the median round. CSV: function, bytes, least, median, checksum. The checksum is the exclusive or of\n"
    "all hashes, which hashes.py compares with that of libraries.";

struct Options {
  int rounds = 101;
  std::optional<int> cpu;
  bool quick = false;
};

using Hash = std::uint64_t (*)(const std::string&);

struct Function {
  const char* name;
  Hash hash;
};

constexpr Function kFunctions[] = {
    {"farmhash64", [](const std::string& text) { return internal::farmhash64(text.data(), text.size()); }},
    {"murmur3",
     [](const std::string& text) -> std::uint64_t { return internal::murmur3(text.data(), text.size(), 42); }},
    {"murmur64", [](const std::string& text) { return internal::murmur64(text.data(), text.size(), 0xc70f6907); }},
    {"xxh64", [](const std::string& text) { return internal::xxh64(text.data(), text.size(), 42); }},
    {"siphash24", [](const std::string& text) { return internal::siphash24(text.data(), text.size(), 133, 137); }},
    {"crc32", [](const std::string& text) -> std::uint64_t { return internal::crc32(text.data(), text.size()); }},
};

// As hashes.py makes them.
std::vector<std::string> texts_of(std::size_t bytes) {
  std::vector<std::string> texts(1000, std::string(bytes, 'a'));
  for (std::size_t i = 0; i < texts.size(); ++i) {
    for (std::size_t j = 0; j < bytes; ++j) texts[i][j] = static_cast<char>('a' + (i * 31 + i / 26 + j * 7) % 26);
  }
  return texts;
}

void measure(const Function& function, std::size_t bytes, int rounds) {
  const std::vector<std::string> texts = texts_of(bytes);
  std::vector<double> seconds;
  std::uint64_t checksum = 0;
  for (int round = 0; round < rounds; ++round) {
    checksum = 0;
    const Clock::time_point start = Clock::now();
    for (const std::string& text : texts) checksum ^= function.hash(text);
    seconds.push_back(std::chrono::duration<double>(Clock::now() - start).count() / static_cast<double>(texts.size()));
  }
  std::printf("%s,%zu,%.1f,%.1f,%016llx\n", function.name, bytes, tools::quantile(seconds, 0) * 1e9,
              tools::quantile(seconds, 0.5) * 1e9, static_cast<unsigned long long>(checksum));
}

int run(const Options& options) {
  if (options.cpu && !tools::pin_to_cpu(*options.cpu)) {
    throw tools::UsageError("--cpu: the system refuses processor " + std::to_string(*options.cpu));
  }
  std::puts("function,bytes,least,median,checksum");
  for (const Function& function : kFunctions) {
    for (const std::size_t bytes : {8, 24, 100}) measure(function, bytes, options.quick ? 3 : options.rounds);
  }
  return tools::kExitOk;
}

}  // namespace
}  // namespace mmoe::bench

int main(int argc, char** argv) {
  mmoe::bench::Options options;
  mmoe::tools::CommandLine app(mmoe::bench::kDescription, "hashes");
  app.add_option("--rounds", options.rounds, "[101]")->type_name("N")->range(1, 10000);
  app.add_option("--cpu", options.cpu, "processor to stay on [wherever the system puts it]")
      ->type_name("N")
      ->take_last();
  app.add_flag("--quick", options.quick, "few rounds: a test, not a measurement");
  return mmoe::tools::run_tool(app, argc, argv, [&options] { return mmoe::bench::run(options); });
}
