// libFuzzer: whatever the model and however its rows are scored, they get the bits of the plain loops.
//
// Bytes choose a model (random_model.h) and rows. The oracle is the kernel set "scalar", one row at a time. Against it:
// every exact kernel set, batches, parts of a batch, tasks, skipping of experts, a user with candidates, workers, gate
// weights on and off, the file mapped, copied and borrowed. Session::score() must not allocate.
#include <sanitizer/allocator_interface.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstring>
#include <optional>
#include <string>
#include <vector>

#include "converter/error.h"
#include "converter/program/convert.h"
#include "mmoe/kernel_sets.h"
#include "mmoe/session.h"
#include "mmoe/thread_pool.h"
#include "tests/fuzz/random_model.h"
#include "tests/unit/models.h"

namespace {

using namespace mmoe;
using fuzz::ByteSource;

[[noreturn]] void fail(const std::string& what) {
  std::fprintf(stderr, "fuzz_runtime: %s\n", what.c_str());
  __builtin_trap();
}

void require(bool holds, const char* what) {
  if (!holds) fail(what);
}

template <class T>
T take(Result<T>&& result, const char* what) {
  if (!result) fail(std::string(what) + ": " + result.error().message());
  return std::move(*result);
}

// ---------------------------------------------------------------------------------------- allocations
thread_local bool forbid_allocations = false;

void on_malloc(const volatile void*, std::size_t) {
  if (forbid_allocations) __builtin_trap();  // in Session::score()
}
void on_free(const volatile void*) {}

struct NoAllocations {
  NoAllocations() { forbid_allocations = true; }
  ~NoAllocations() { forbid_allocations = false; }
};

// ---------------------------------------------------------------------------------------- rows
// Rows as the model takes them: x, or a column per feature. The user's features, or columns of x, have the
// first row's values everywhere, as those of a request's user.
class TestRows {
 public:
  TestRows(const Model& model, std::size_t num_rows, bool one_user, ByteSource& bytes)
      : model_(model), num_rows_(num_rows) {
    test::Random random(bytes.below(65536));
    if (model.num_features() == 0) {
      x_ = random.floats(num_rows * model.input_dim(), -2, 2);
      for (std::size_t i = 0, count = bytes.below(4); i < count; ++i) {
        x_[random.below(x_.size())] = bytes.pick({NAN, INFINITY, -INFINITY, 0.0f, -0.0f, 1e-40f, 3e38f});
      }
      if (one_user) share_x();
    } else {
      add_columns(random, one_user);
    }
  }

  std::size_t size() const { return num_rows_; }
  bool has_features() const { return model_.num_features() != 0; }
  Span<const float> x(std::size_t first, std::size_t count) const {
    return {x_.data() + first * model_.input_dim(), count * model_.input_dim()};
  }

  std::vector<FeatureColumn> columns(std::size_t first, std::size_t count) const {
    std::vector<FeatureColumn> columns;
    const auto part = [&](const auto& all, std::size_t width) {
      return Span(all.data() + first * width, all.empty() ? 0 : count * width);
    };
    for (std::size_t i = 0; i < model_.num_features(); ++i) {
      columns.push_back({part(values_[i], num_values(i)), part(ids_[i], model_.feature(i).length)});
    }
    return columns;
  }

 private:
  std::size_t num_values(std::size_t feature) const { return values_[feature].size() / num_rows_; }

  void share_x() {
    for (std::size_t row = 1; row < num_rows_; ++row) {
      std::copy_n(x_.data(), model_.user_dim(), x_.data() + row * model_.input_dim());
    }
  }

  void add_columns(test::Random& random, bool one_user) {
    const GoldenRows golden = model_.golden_rows();
    std::size_t first_value = 0;
    for (std::size_t i = 0; i < model_.num_features(); ++i) {
      const FeatureInfo feature = model_.feature(i);
      values_.emplace_back();
      ids_.emplace_back();
      const bool shared = one_user && feature.side != Side::kItem;
      if (feature.kind == FeatureKind::kDense) {
        values_.back() = dense(feature, random);
        first_value += feature.width;
      } else {
        ids_.back() = ids(feature, random);
      }
      if (shared) share(values_.back()), share(ids_.back());
    }
    require(first_value == golden.num_values, "golden rows have other dense columns than the features");
  }

  template <class T>
  void share(std::vector<T>& column) {
    const std::size_t width = column.size() / num_rows_;
    for (std::size_t row = 1; row < num_rows_; ++row) std::copy_n(column.begin(), width, column.begin() + row * width);
  }

  std::vector<float> dense(const FeatureInfo& feature, test::Random& random) const {
    std::vector<float> values = random.floats(num_rows_ * feature.width, -3, 3);
    if (!feature.refuses_missing && random.below(2) == 0) values[random.below(values.size())] = NAN;
    return values;
  }

  std::vector<std::int32_t> ids(const FeatureInfo& feature, test::Random& random) const {
    std::vector<std::int32_t> ids(num_rows_ * feature.length);
    for (std::int32_t& id : ids) {
      id = static_cast<std::int32_t>(random.below(feature.num_ids));
      if (!feature.refuses_unknown && random.below(6) == 0) id = Model::kUnknownId;
      if (feature.kind == FeatureKind::kSequence && random.below(4) == 0) id = Model::kNoElement;
    }
    return ids;
  }

  const Model& model_;
  std::size_t num_rows_;
  std::vector<float> x_;                        // [num_rows, input_dim]
  std::vector<std::vector<float>> values_;      // a feature each: [num_rows, width]
  std::vector<std::vector<std::int32_t>> ids_;  // a feature each: [num_rows, length]
};

// ---------------------------------------------------------------------------------------- scoring
void check(const Status& status) {
  if (!status) fail(status.error().message());
}

// Where the results of a call go.
struct Target {
  float* scores;
  std::size_t num_tasks;
  float* gates;  // null: not asked for
  std::size_t num_gates;

  Output output(std::size_t num_rows) const {
    Output output{{scores, num_rows * num_tasks}};
    if (gates) output.gate_weights = {gates, num_rows * num_gates};
    return output;
  }
};

void score_part(Session& session, const TestRows& rows, std::size_t first, std::size_t count, const Target& target) {
  const std::vector<FeatureColumn> columns = rows.columns(first, count);
  const Input input = rows.has_features() ? Input::columns(columns, count) : Input::x(rows.x(first, count), count);
  std::optional<NoAllocations> guard;
  if (session.num_workers() == 1) guard.emplace();
  const Status status = session.score(input, target.output(count));
  guard.reset();
  check(status);
}

// The request's user and its candidates.
void score_candidates(Session& session, const Model& model, const TestRows& rows, const Target& target) {
  const Output output = target.output(rows.size());
  if (rows.has_features()) {
    const std::vector<FeatureColumn> user = rows.columns(0, 1), columns = rows.columns(0, rows.size());
    check(session.set_user(Input::columns(user, 1)));
    return check(session.score(Input::columns(columns, rows.size()).candidates(), output));
  }
  std::vector<float> items;
  for (std::size_t row = 0; row < rows.size(); ++row) {
    const Span<const float> x = rows.x(row, 1);
    items.insert(items.end(), x.begin() + static_cast<std::ptrdiff_t>(model.user_dim()), x.end());
  }
  check(session.set_user(Input::x({rows.x(0, 1).data(), model.user_dim()}, 1)));
  check(session.score(Input::x(items, rows.size()).candidates(), output));
}

// What one choice of options gives for all rows.
struct Scores {
  std::vector<float> scores;  // [rows, tasks]
  std::vector<float> gates;   // [rows, gate weights]; empty: not asked for
};

bool same(float a, float b) { return std::memcmp(&a, &b, sizeof a) == 0 || (std::isnan(a) && std::isnan(b)); }

// ---------------------------------------------------------------------------------------- files
// The file at a path of the process's own.
class MemoryFile {
 public:
  explicit MemoryFile(const test::AlignedBytes& bytes) : file_(memfd_create("model", 0)) {
    require(write(file_, bytes.data(), bytes.size()) == static_cast<ssize_t>(bytes.size()), "memfd");
  }
  ~MemoryFile() { close(file_); }
  std::string path() const { return "/proc/self/fd/" + std::to_string(file_); }

 private:
  int file_;
};

// The executors: one thread, last part first; a pool.
void run_backwards(void*, std::size_t num_tasks, Executor::Task task, void* context) {
  for (std::size_t i = num_tasks; i-- > 0;) task(context, i);
}

ThreadPool& pool() {
  static ThreadPool* const the_pool = new ThreadPool(take(ThreadPool::create(3), "thread pool"));
  return *the_pool;
}

// ---------------------------------------------------------------------------------------- one input
class Comparison {
 public:
  Comparison(const Model& model, bool candidates, ByteSource& bytes)
      : model_(model), candidates_(candidates), bytes_(bytes), rows_(model, num_rows(bytes), candidates, bytes) {
    base_.top_k = bytes.chance(40) ? bytes.between(1, 4) : 0;
    if (bytes.chance(40)) base_.min_gate_weight = bytes.pick({0.05f, 0.2f, 0.4f});
    base_.renormalise = bytes.chance(128);
    score_oracle();
  }

  void compare(const Model& model) {
    PlanOptions options = base_;
    const std::vector<std::uint32_t> tasks = choose_tasks();
    options.tasks = tasks.data();
    options.num_tasks = tasks.size();
    options.kernel_set = choose_kernel_set();
    options.max_batch = bytes_.pick<std::size_t>({1, 2, 5, 64, 128, 129, 400});
    options.skip_experts = bytes_.pick({SkipExperts::kWhereFaster, SkipExperts::kAlways, SkipExperts::kNever});
    const Result<Plan> plan = Plan::create(model, options);
    if (!plan) fail(plan.error().message());
    if (!plan->is_exact()) return;
    const bool gates = bytes_.chance(100);
    switch (bytes_.below(4)) {
      case 0: {
        const Executor executor = bytes_.chance(128) ? pool().executor() : Executor{run_backwards, nullptr};
        Session session = take(Session::create(*plan, {executor, bytes_.between(1, 4)}), "session");
        return compare_with(session, tasks, gates);
      }
      case 1: {
        const std::size_t offset = bytes_.below(64);
        std::vector<std::uint8_t> arena(plan->arena_bytes() + offset, 0xA5);
        Session session = take(Session::create(*plan, arena.data() + offset, plan->arena_bytes()), "session");
        return compare_with(session, tasks, gates);
      }
      default: {
        Session session = take(Session::create(*plan), "session");
        return compare_with(session, tasks, gates);
      }
    }
  }

 private:
  // Null, as the runtime chooses, or an available one.
  const char* choose_kernel_set() {
    const KernelSetInfo set = kernel_set(bytes_.below(num_kernel_sets()));
    return set.available && bytes_.chance(220) ? set.name : nullptr;
  }

  static std::size_t num_rows(ByteSource& bytes) { return bytes.pick<std::size_t>({3, 1, 2, 7, 16, 33, 131, 260}); }

  void score_oracle() {
    PlanOptions options = base_;
    options.kernel_set = "scalar";
    options.skip_experts = SkipExperts::kNever;
    const Plan plan = take(Plan::create(model_, options), "the oracle's plan");
    Session session = take(Session::create(plan), "the oracle's session");
    const std::size_t num_gates = session.plan().num_gate_weights();
    expected_.scores.resize(rows_.size() * model_.num_tasks());
    for (std::size_t row = 0; row < rows_.size(); ++row) {
      score_part(session, rows_, row, 1, {&expected_.scores[row * model_.num_tasks()], model_.num_tasks(), nullptr, 0});
    }
    for (std::size_t g = 0; g < session.plan().num_gates(); ++g) gates_.push_back(session.plan().gate(g));
    if (num_gates == 0) return;
    expected_.gates.resize(rows_.size() * num_gates);
    std::vector<float> again(expected_.scores.size());
    score_part(session, rows_, 0, rows_.size(), {again.data(), model_.num_tasks(), expected_.gates.data(), num_gates});
    compare_scores(again, all_tasks());
  }

  std::vector<std::uint32_t> all_tasks() const {
    std::vector<std::uint32_t> tasks(model_.num_tasks());
    for (std::uint32_t t = 0; t < tasks.size(); ++t) tasks[t] = t;
    return tasks;
  }

  std::vector<std::uint32_t> choose_tasks() {
    std::vector<std::uint32_t> tasks = all_tasks();
    if (!bytes_.chance(160)) return tasks;
    for (std::size_t i = tasks.size(); i > 1; --i) std::swap(tasks[i - 1], tasks[bytes_.below(i)]);
    tasks.resize(bytes_.between(1, tasks.size()));
    return tasks;
  }

  void compare_with(Session& session, const std::vector<std::uint32_t>& tasks, bool gates) {
    Scores found;
    found.scores.assign(rows_.size() * tasks.size(), -7);
    const std::size_t num_gates = session.plan().num_gate_weights();
    if (gates && num_gates != 0) found.gates.assign(rows_.size() * num_gates, -7);
    if (candidates_ && bytes_.chance(170)) {
      score_candidates(session, model_, rows_, target_of(found, 0, tasks.size(), num_gates));
    } else {
      score_in_parts(session, tasks.size(), num_gates, found);
    }
    compare_scores(found.scores, tasks);
    if (!found.gates.empty()) compare_gates(session.plan(), found.gates);
  }

  static Target target_of(Scores& found, std::size_t row, std::size_t num_tasks, std::size_t num_gates) {
    float* gates = found.gates.empty() ? nullptr : &found.gates[row * num_gates];
    return {&found.scores[row * num_tasks], num_tasks, gates, num_gates};
  }

  void score_in_parts(Session& session, std::size_t num_tasks, std::size_t num_gates, Scores& found) {
    for (std::size_t first = 0; first < rows_.size();) {
      const std::size_t rest = rows_.size() - first;
      const std::size_t count = std::min(rest, bytes_.pick<std::size_t>({rest, 1, 2, 5, 16, 100}));
      score_part(session, rows_, first, count, target_of(found, first, num_tasks, num_gates));
      first += count;
    }
  }

  void compare_scores(const std::vector<float>& found, const std::vector<std::uint32_t>& tasks) const {
    for (std::size_t i = 0; i < found.size(); ++i) {
      const std::size_t row = i / tasks.size(), task = tasks[i % tasks.size()];
      const float wanted = expected_.scores[row * model_.num_tasks() + task];
      if (same(found[i], wanted)) continue;
      fail("row " + std::to_string(row) + ", task " + std::to_string(task) + ": " + std::to_string(found[i]) +
           ", the plain loops give " + std::to_string(wanted));
    }
  }

  // A plan for some tasks has some of the gates.
  void compare_gates(const Plan& plan, const std::vector<float>& found) const {
    const std::size_t width = plan.num_gate_weights(), all = expected_.gates.size() / rows_.size();
    for (std::size_t g = 0; g < plan.num_gates(); ++g) {
      const GateInfo gate = plan.gate(g);
      const auto whole = std::find_if(gates_.begin(), gates_.end(), [&](const GateInfo& other) {
        return other.level == gate.level && other.index == gate.index;
      });
      require(whole != gates_.end() && whole->num_experts == gate.num_experts,
              "a gate of a subset is none of the whole");
      for (std::size_t row = 0; row < rows_.size(); ++row) {
        for (std::size_t e = 0; e < gate.num_experts; ++e) {
          require(same(found[row * width + gate.column + e], expected_.gates[row * all + whole->column + e]),
                  "a gate's weight is not that of the plain loops");
        }
      }
    }
  }

  const Model& model_;
  bool candidates_;
  ByteSource& bytes_;
  TestRows rows_;
  PlanOptions base_;
  std::vector<GateInfo> gates_;
  Scores expected_;
};

// Folding a batch norm of small variance, or the score of a finite row, may exceed a float: said, and refused.
bool is_overflow(const converter::ConvertError& error) {
  const std::string text = error.what();
  return text.find("range of a float") != std::string::npos || text.find("not finite") != std::string::npos;
}

std::optional<test::AlignedBytes> make_file(ByteSource& bytes) {
  const converter::TrainedModel description = fuzz::random_model(bytes);
  try {
    return test::model_file(description, 2);
  } catch (const converter::ConvertError& error) {
    if (is_overflow(error)) return std::nullopt;
    fail(std::string("not converted: ") + error.what());
  }
}

}  // namespace

extern "C" int LLVMFuzzerInitialize(int*, char***) {
  __sanitizer_install_malloc_and_free_hooks(on_malloc, on_free);
  return 0;
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  ByteSource bytes(data, size);
  const std::optional<test::AlignedBytes> file = make_file(bytes);
  if (!file) return 0;
  const Model borrowed = take(Model::from_bytes(file->data(), file->size()), "from_bytes");
  const MemoryFile on_disk(*file);
  const Model mapped = take(Model::map(on_disk.path().c_str()), "map");
  std::vector<std::uint8_t> shifted(file->size() + Model::kAlignment + 1);
  std::uint8_t* misaligned = shifted.data() + (reinterpret_cast<std::uintptr_t>(shifted.data()) % 2 == 0);
  std::memcpy(misaligned, file->data(), file->size());
  LoadOptions copy;
  copy.copy_if_misaligned = true;
  const Model copied = take(Model::from_bytes(misaligned, file->size(), copy), "from misaligned bytes");

  const bool candidates = borrowed.user_dim() != 0 && bytes.chance(128);
  Comparison comparison(borrowed, candidates, bytes);
  const std::size_t rounds = bytes.between(2, 6);
  for (std::size_t i = 0; i < rounds; ++i) {
    const Model* models[] = {&borrowed, &mapped, &copied};
    comparison.compare(*models[i % 3]);
  }
  return 0;
}
