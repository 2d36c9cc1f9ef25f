// PyTorch as its users run it: in Python, which torch_worker.py is. The worker times its own calls, so that talking
// to it costs nothing; it runs only while it is asked, on the same processor.
#include <fcntl.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <fstream>

#include "tests/bench/engines.h"

namespace mmoe::bench {
namespace {

/// A process that answers every line with a line.
class Worker {
 public:
  Worker(const std::string& python, const std::string& script) {
    int to[2], from[2];
    // Another worker must not inherit them: this one's input would not end while that one lives.
    if (pipe2(to, O_CLOEXEC) != 0 || pipe2(from, O_CLOEXEC) != 0) throw std::runtime_error("no pipe could be made");
    process_ = fork();
    if (process_ == 0) {
      dup2(to[0], STDIN_FILENO);
      dup2(from[1], STDOUT_FILENO);
      execlp(python.c_str(), python.c_str(), "-B", script.c_str(), static_cast<char*>(nullptr));
      _exit(127);
    }
    close(to[0]);
    close(from[1]);
    out_ = fdopen(to[1], "w");
    in_ = fdopen(from[0], "r");
  }
  Worker(const Worker&) = delete;
  ~Worker() {
    std::fclose(out_);  // at the end of its input it stops
    std::fclose(in_);
    waitpid(process_, nullptr, 0);
  }

  /// The answer to a request, without its "ok "; empty where the worker has stopped.
  std::string ask(const std::string& request) {
    char line[1024];
    std::fprintf(out_, "%s\n", request.c_str());
    std::fflush(out_);
    if (!std::fgets(line, sizeof line, in_)) return "";
    std::string answer(line);
    while (!answer.empty() && answer.back() == '\n') answer.pop_back();
    if (answer.rfind("ok ", 0) != 0) throw std::runtime_error("PyTorch: " + answer);
    return answer.substr(3);
  }

 private:
  pid_t process_;
  std::FILE* out_;
  std::FILE* in_;
};

class Pytorch : public Engine {
 public:
  Pytorch(const EngineOptions& options, Numbers numbers)
      : worker_(options.torch_python, options.torch_worker), numbers_(numbers) {
    version_ = worker_.ask("version");
    if (version_.empty()) throw Unavailable(options.torch_python + " has no PyTorch (Debian's python3-torch)");
  }

  std::string prepare(const Case& what) override {
    num_scores_ = what.batch * what.network->num_tasks();
    const std::filesystem::path rows = what.folder / "worker_rows.f32";
    scores_ = what.folder / "worker_scores.f32";
    std::ofstream file(rows, std::ios::binary);
    file.write(reinterpret_cast<const char*>(what.x),
               static_cast<std::streamsize>(what.batch * what.network->input_dim * sizeof(float)));
    if (!file.flush()) throw std::runtime_error(rows.string() + " cannot be written");
    return "version " + version_ + ", " +
           ask("prepare\t" + what.folder.string() + '\t' + what.name + '\t' + std::to_string(what.batch) + '\t' +
               rows.string() + '\t' + name_of(numbers_) + '\t' + std::to_string(what.limit));
  }

  void run(const float*, float* scores) override {
    ask("score\t" + scores_.string());
    std::ifstream file(scores_, std::ios::binary);
    file.read(reinterpret_cast<char*>(scores), static_cast<std::streamsize>(num_scores_ * sizeof(float)));
    if (!file) throw std::runtime_error("PyTorch: scores are missing");
  }

  double seconds_per_call(const float*, float*, std::size_t calls) override {
    return std::stod(ask("time\t" + std::to_string(calls)));
  }

 private:
  std::string ask(const std::string& request) {
    const std::string answer = worker_.ask(request);
    if (answer.empty()) throw std::runtime_error("PyTorch: the worker has stopped");
    return answer;
  }

  Worker worker_;
  Numbers numbers_;
  std::string version_;
  std::filesystem::path scores_;
  std::size_t num_scores_ = 0;
};

}  // namespace

std::unique_ptr<Engine> make_pytorch(const EngineOptions& options) {
  if (options.torch_python.empty()) throw Unavailable("no Python given (--torch-python)");
  return std::make_unique<Pytorch>(options, Numbers::kF32);
}

std::unique_ptr<Engine> make_pytorch_int8(const EngineOptions& options) {
  if (options.torch_python.empty()) throw Unavailable("no Python given (--torch-python)");
  return std::make_unique<Pytorch>(options, Numbers::kW8a8);
}

}  // namespace mmoe::bench
