#include <mmoe/parallel.h>
#include <mmoe/thread_pool.h>

int main() {
  const auto pool = mmoe::ThreadPool::create(2);
  return pool && pool->num_threads() == 2 ? 0 : 1;
}
