/* From reset to main() on a Cortex-M with FPU: no library's startup is used. */
#include <stdint.h>

#include "semihosting.h"

extern uint32_t stack_top, stack_limit, data_begin, data_end, data_in_flash, bss_begin, bss_end;
extern void (*const init_array_begin[])(void);
extern void (*const init_array_end[])(void);

int main(void);

enum { kPaint = 0xA5A5A5A5u };

/* Bytes of stack that were in use at most since reset. */
uint32_t stack_used(void) {
  const uint32_t* word = &stack_limit;
  while (word < &stack_top && *word == kPaint) ++word;
  return (uint32_t)((const char*)&stack_top - (const char*)word);
}

__attribute__((noinline)) static void run(void) {
  const uint32_t* from = &data_in_flash;
  for (uint32_t* to = &data_begin; to < &data_end; ++to) *to = *from++;
  for (uint32_t* to = &bss_begin; to < &bss_end; ++to) *to = 0;
  for (uint32_t* to = &stack_limit; (char*)to < (char*)__builtin_frame_address(0) - 256; ++to) *to = kPaint;
  for (void (*const* function)(void) = init_array_begin; function < init_array_end; ++function) (*function)();
  semihosting_exit(main());
}

void reset(void) {
  *(volatile uint32_t*)0xE000ED88 |= 0xFu << 20; /* CPACR: full access to the FPU, before any of its registers */
  __asm volatile("dsb\n isb");
  run();
}

static void fault(void) {
  semihosting_write("fault\n");
  semihosting_exit(3);
}

__attribute__((section(".vectors"), used)) static void (*const vectors[16])(void) = {(void (*)(void)) & stack_top,
                                                                                     reset,
                                                                                     fault,
                                                                                     fault,
                                                                                     fault,
                                                                                     fault,
                                                                                     fault,
                                                                                     fault,
                                                                                     fault,
                                                                                     fault,
                                                                                     fault,
                                                                                     fault,
                                                                                     fault,
                                                                                     fault,
                                                                                     fault,
                                                                                     fault};
