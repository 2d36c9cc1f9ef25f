#include "kernels/assertion.h"

#ifdef MMOE_ASSERTIONS

#include <cstdio>
#include <cstdlib>

void mmoe::assertion_failed(const char* condition, const char* file, int line) {
  std::fprintf(stderr, "%s:%d: assertion failed: %s\n", file, line, condition);
  std::abort();
}

#endif
