// What the example's linker script must refuse.
#include <cstdlib>
#include <new>

int main() {
#ifdef MMOE_USE_MALLOC
  return std::malloc(16) == nullptr;
#else
  return new (std::nothrow) int(1) == nullptr;
#endif
}

// So that nothing but the script's assertions is missing.
extern "C" void* _sbrk(int) { return nullptr; }
extern "C" void _exit(int) {
  for (;;) {
  }
}
