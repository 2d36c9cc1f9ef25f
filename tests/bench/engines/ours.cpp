// mmoe-edge, as its users call it, with weights of any type.
#include "mmoe/session.h"
#include "tests/bench/engines.h"

namespace mmoe::bench {
namespace {

class Ours : public Engine {
 public:
  /// Reads NAME.mmoe, or NAME.TYPE.mmoe.
  explicit Ours(std::string type) : suffix_(type.empty() ? ".mmoe" : "." + type + ".mmoe") {}

  std::string prepare(const Case& what) override {
    session_.reset();
    Result<Model> model = Model::map((what.folder / (what.name + suffix_)).c_str());
    if (!model) throw std::runtime_error(model.error().message());
    model_ = std::make_unique<Model>(std::move(*model));
    SessionOptions options;
    options.max_batch = what.batch;
    Result<Session> session = Session::create(*model_, options);
    if (!session) throw std::runtime_error(session.error().message());
    session_ = std::make_unique<Session>(std::move(*session));
    batch_ = what.batch;
    return session_->plan().kernel_set();
  }

  void run(const float* x, float* scores) override {
    if (const Status status = session_->score(Input::x({x, batch_ * model_->input_dim()}, batch_),
                                              {{scores, batch_ * model_->num_tasks()}});
        !status) {
      throw std::runtime_error(status.error().message());
    }
  }

 private:
  std::string suffix_;
  std::unique_ptr<Model> model_;
  std::unique_ptr<Session> session_;
  std::size_t batch_ = 0;
};

}  // namespace

std::unique_ptr<Engine> make_ours(const EngineOptions&) { return std::make_unique<Ours>(""); }

EngineFactory make_ours_in(const std::string& type) {
  return [type](const EngineOptions& options) -> std::unique_ptr<Engine> {
    require_model_file(options.folder, "." + type + ".mmoe", "mmoe-convert --weights " + type);
    return std::make_unique<Ours>(type);
  };
}

}  // namespace mmoe::bench
