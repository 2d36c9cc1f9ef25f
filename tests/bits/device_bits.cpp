// The same on bare metal: two models in flash, FIRST_NAME and SECOND_NAME, everything else in static memory.
#include "print.h"
#include "tests/bits/bits.h"

extern "C" const std::uint8_t model_begin[], model_end[], second_begin[], second_end[];

namespace {

alignas(64) std::uint8_t arena[96 * 1024];
mmoe::bits::Memory memory;

int print_bits(const char* name, const std::uint8_t* begin, const std::uint8_t* end) {
  const auto model = mmoe::Model::from_bytes(begin, static_cast<std::size_t>(end - begin));
  if (!model) return print("error: ", model.error().message(), "\n"), 1;
  mmoe::PlanOptions options;
  options.max_batch = 12;
  const auto plan = mmoe::Plan::create(*model, options);
  if (!plan) return print("error: ", plan.error().message(), "\n"), 1;
  auto session = mmoe::Session::create(*plan, arena, sizeof arena);
  if (!session) return print("error: ", session.error().message(), "\n"), 1;
  if (!mmoe::bits::print_model(name, *model, *session, memory, semihosting_write)) return 1;
  print("sets ", plan->kernel_set(), "\n");
  return 0;
}

}  // namespace

int main() {
  const int failed = print_bits(FIRST_NAME, model_begin, model_end) + print_bits(SECOND_NAME, second_begin, second_end);
  return failed;
}
