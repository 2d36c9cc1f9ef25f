// The same without files and heap, on bare metal and in WebAssembly: a model in flash, an arena in RAM. The baseline
// has startup, vectors and the C library's memory functions, as any firmware.
#include <cstring>

#include <mmoe/session.h>

#ifdef __EMSCRIPTEN__
extern "C" {
extern const std::uint8_t model[];
extern const std::size_t model_bytes;
alignas(64) const std::uint8_t model[64] = {};
const std::size_t model_bytes = sizeof model;
}
#else
// By the assembler, so that no compiler looks into it.
__asm(
    ".section .rodata.model, \"a\"\n.balign 64\n.global model\nmodel: .space 64\n.global model_bytes\nmodel_bytes: "
    ".word 64\n.previous\n");
extern "C" const std::uint8_t model[];
extern "C" const std::size_t model_bytes;
#endif

alignas(64) std::uint8_t arena[1024];
float x[64], scores[8];

#ifdef MMOE_SIZE_BASELINE

int main() {
  std::memcpy(arena, model, model_bytes);
  std::memset(x, arena[0], sizeof x);
  return std::memcmp(arena, scores, sizeof scores);
}

#else

int main() {
  auto loaded = mmoe::Model::from_bytes(model, model_bytes);
  if (!loaded) return 1;
  auto plan = mmoe::Plan::create(*loaded);
  if (!plan) return 1;
  auto session = mmoe::Session::create(*plan, arena, sizeof arena);
  if (!session) return 1;
  return session->score(mmoe::Input::x({x, loaded->input_dim()}, 1), {scores}).ok() ? 0 : 1;
}

#endif
