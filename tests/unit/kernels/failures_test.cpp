// What a failing test prints. The cases fail on purpose and are skipped; a test of their own runs them
// (tests/CMakeLists.txt).
#include <string>

#include "tests/unit/kernels/compare.h"

namespace mmoe::test {
namespace {

TEST_CASE("fails on purpose: a thousand assertions" * doctest::skip()) {
  for (int i = 0; i < 1000; ++i) CHECK(i < 0);
}

TEST_CASE("fails on purpose: one of a thousand elements is the worst" * doctest::skip()) {
  WorstElement worst;
  for (std::size_t i = 0; i < 1000; ++i) worst.take(i, i == 77 ? 3.5 : 1.0, 0.5, i == 77 ? 3.0 : 0.5);
  worst.check("planted");
}

}  // namespace
}  // namespace mmoe::test
