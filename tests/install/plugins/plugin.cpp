// A plug-in with the library inside. Its only symbol is plugin_score.
#include <cstdio>
#include <vector>

#include <mmoe/mmoe.h>
#include <mmoe/session.h>

namespace {

bool score_by_c(const char* path, float& first) {
  mmoe_model* model = nullptr;
  mmoe_session* session = nullptr;
  if (mmoe_model_map(path, nullptr, &model) != MMOE_OK) return false;
  const std::vector<float> x(mmoe_model_input_dim(model), 0.5f);
  std::vector<float> scores(mmoe_model_num_tasks(model));
  mmoe_input input = {};
  input.struct_size = sizeof input;
  input.num_rows = 1;
  input.x = x.data();
  input.num_x = x.size();
  mmoe_output output = {};
  output.struct_size = sizeof output;
  output.scores = scores.data();
  output.num_scores = scores.size();
  const bool ok = mmoe_session_create(model, nullptr, &session) == MMOE_OK &&
                  mmoe_session_score(session, &input, &output) == MMOE_OK;
  first = ok ? scores[0] : 0;
  mmoe_session_free(session);
  mmoe_model_free(model);
  return ok;
}

bool score_by_cpp(const char* path, float& first) {
  const auto model = mmoe::Model::map(path);
  if (!model) return false;
  auto session = mmoe::Session::create(*model);
  const std::vector<float> x(model->input_dim(), 0.5f);
  std::vector<float> scores(model->num_tasks());
  const bool ok = session.ok() && session->score(mmoe::Input::x(x, 1), {scores}).ok();
  first = scores[0];
  return ok;
}

}  // namespace

extern "C" __attribute__((visibility("default"))) int plugin_score(const char* path) {
  float by_c = 0, by_cpp = 0;
  if (!score_by_c(path, by_c) || !score_by_cpp(path, by_cpp) || by_c != by_cpp || !(by_c > 0)) return 1;
  std::printf("plug-in: %.9g\n", static_cast<double>(by_c));
  return 0;
}
