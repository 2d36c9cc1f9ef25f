// Prints the bits of a model's scores for some rows of x, with the scalar kernels: score_x MODEL
#include <cstdio>
#include <cstring>
#include <vector>

#include <mmoe/session.h>

int main(int argc, char** argv) {
  if (argc != 2) return 2;
  const mmoe::Result<mmoe::Model> model = mmoe::Model::map(argv[1]);
  if (!model) {
    std::puts(model.error().message());
    return 1;
  }
  constexpr std::size_t kRows = 7;
  mmoe::SessionOptions options;
  options.max_batch = 3;
  options.kernel_set = "scalar";
  mmoe::Result<mmoe::Session> session = mmoe::Session::create(*model, options);
  if (!session) return 1;
  std::vector<float> x(kRows * model->input_dim()), scores(kRows * model->num_tasks());
  for (std::size_t i = 0; i < x.size(); ++i) x[i] = static_cast<float>(i * 37 % 101) / 32 - 1.5f;
  if (!session->score(mmoe::Input::x(x, kRows), {scores}).ok()) return 1;
  for (const float score : scores) {
    unsigned bits = 0;
    std::memcpy(&bits, &score, sizeof bits);
    std::printf("%08x\n", bits);
  }
}
