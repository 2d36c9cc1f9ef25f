#include <mmoe/thread_pool.h>

extern "C" int same_on_two_cores(const char* path);

int main(int argc, char** argv) {
  const auto pool = mmoe::ThreadPool::create(2);
  return argc == 2 && pool && pool->num_threads() == 2 && same_on_two_cores(argv[1]) ? 0 : 1;
}
