// Score one row of a model: embed_cpp MODEL
#include <mmoe/session.h>

#include <cstdio>
#include <vector>

int main(int argc, char** argv) {
  auto model = mmoe::Model::map(argc > 1 ? argv[1] : "model.mmoe");
  if (!model) return std::fprintf(stderr, "%s\n", model.error().message()), 1;
  auto session = mmoe::Session::create(*model);
  if (!session) return std::fprintf(stderr, "%s\n", session.error().message()), 1;
  std::vector<float> x(model->input_dim(), 0.5f), scores(model->num_tasks());
  if (auto status = session->score(mmoe::Input::x(x, 1), {scores}); !status) return 1;
  for (std::size_t task = 0; task < scores.size(); ++task) {
    std::printf("%.*s %.6f\n", int(model->task_name(task).size()), model->task_name(task).data(), double(scores[task]));
  }
}
