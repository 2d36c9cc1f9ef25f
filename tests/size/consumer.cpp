// The smallest program that scores. What it is larger by than the baseline is what the runtime adds.
//
// The baseline allocates and frees once, as any C++ program does: linked statically, operator new brings its
// own 57 kB of the C++ library, which are not the runtime's.
#ifdef MMOE_SIZE_BASELINE

#include <new>

int main(int argc, char** argv) {
  char** copy = new (std::nothrow) char*(argv[argc - 1]);
  const bool allocated = copy != nullptr;
  delete copy;
  return allocated ? 0 : 1;
}

#else

#include <mmoe/session.h>

int main(int argc, char** argv) {
  static float x[4096], scores[64];
  if (argc < 2) return 2;
  auto model = mmoe::Model::map(argv[1]);
  if (!model || model->input_dim() > 4096 || model->num_tasks() > 64) return 1;
  auto session = mmoe::Session::create(*model);
  if (!session) return 1;
  return session->score(mmoe::Input::x({x, model->input_dim()}, 1), {scores}).ok() ? 0 : 1;
}

#endif
