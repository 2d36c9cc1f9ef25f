#include "converter/search/budget.h"

#include <algorithm>
#include <cctype>
#include <cmath>
#include <cstdlib>
#include <utility>

#include "runtime/tools/support/error.h"
#include "runtime/tools/support/text.h"

namespace mmoe::converter {
namespace {

constexpr double kDefaultQuality = 0.0005;
constexpr double kDefaultScore = 0.001;          // of a probability
constexpr double kDefaultRelativeScore = 0.001;  // of the typical score
constexpr double kMostBytes = 1e18;
constexpr size_t kMostRows = size_t{1} << 16;

[[noreturn]] void refuse(const std::string& text, const std::string& expected) {
  throw tools::UsageError("--budget: " + tools::quoted(text) + ": " + expected);
}

double number_of(const std::string& number, const std::string& text) {
  float value = 0;
  const bool good = tools::parse_float(number, value) == tools::NumberStatus::kOk && std::isfinite(value) && value >= 0;
  if (!good) refuse(text, tools::quoted(number) + " is not a number from 0 on");
  return std::strtod(number.c_str(), nullptr);  // all digits, and 0 below the least double
}

uint64_t bytes_of(const std::string& value, const std::string& text) {
  static const std::vector<std::pair<std::string, double>> units = {
      {"kib", 1024.0}, {"mib", 1024.0 * 1024}, {"gib", 1024.0 * 1024 * 1024}, {"kb", 1e3}, {"mb", 1e6}, {"gb", 1e9},
      {"b", 1.0}};
  std::string lower;
  for (const char c : value) lower += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  double factor = 1;
  std::string number = value;
  for (const auto& [name, size] : units) {
    const bool ends = lower.size() > name.size() && lower.compare(lower.size() - name.size(), name.npos, name) == 0;
    if (!ends) continue;
    factor = size;
    number = value.substr(0, value.size() - name.size());
    break;
  }
  const double bytes = number_of(std::string(tools::trimmed(number)), text) * factor;
  if (bytes < 1 || bytes > kMostBytes) refuse(text, "not a size of a file");
  return static_cast<uint64_t>(bytes);
}

TimeGoal time_of(const std::string& value, const std::string& text) {
  TimeGoal goal;
  const size_t at = value.find('@');
  goal.microseconds = number_of(value.substr(0, at), text);
  if (goal.microseconds == 0) refuse(text, "no row takes 0 microseconds");
  if (at == value.npos) return goal;
  std::int64_t rows = 0;
  const bool good = tools::parse_integer(value.substr(at + 1), rows) == tools::NumberStatus::kOk && rows >= 1 &&
                    rows <= static_cast<std::int64_t>(kMostRows);
  if (!good) refuse(text, "behind @ stands the number of rows in a call, 1 to 65,536");
  goal.batch = static_cast<size_t>(rows);
  return goal;
}

LossLimit limit_of(LossLimit::Kind kind, std::string task, std::string value, const std::string& text) {
  LossLimit limit{kind, 0, false, std::move(task), text};
  limit.relative = kind == LossLimit::Kind::kScore && !value.empty() && value.back() == '%';
  if (limit.relative) value.pop_back();
  limit.value = number_of(value, text) / (limit.relative ? 100 : 1);
  return limit;
}

void add_text(const std::string& text, Budget& budget) {
  const std::string expected =
      "expected score=X, score=X%, auc=X or r2=X, for one task as in score:TASK=X; bytes=N, as in bytes=2MB; or us=X, "
      "us=X@ROWS";
  const size_t equals = text.rfind('=');
  if (equals == text.npos) refuse(text, expected);
  const std::string value = text.substr(equals + 1), left = text.substr(0, equals);
  const size_t colon = left.find(':');
  const std::string key = left.substr(0, colon), task = colon == left.npos ? "" : left.substr(colon + 1);
  if (colon != left.npos && task.empty()) refuse(text, "no task is named");
  if (key == "score") {
    budget.limits.push_back(limit_of(LossLimit::Kind::kScore, task, value, text));
  } else if (key == "auc") {
    budget.limits.push_back(limit_of(LossLimit::Kind::kAuc, task, value, text));
  } else if (key == "r2") {
    budget.limits.push_back(limit_of(LossLimit::Kind::kR2, task, value, text));
  } else if (key == "bytes" && task.empty()) {
    if (budget.bytes) refuse(text, "bytes stand there twice");
    budget.bytes = bytes_of(value, text);
  } else if (key == "us" && task.empty()) {
    if (budget.time) refuse(text, "a time stands there twice");
    budget.time = time_of(value, text);
  } else {
    refuse(text, expected);
  }
}

std::string names_of(const std::vector<BudgetTask>& tasks) {
  std::vector<std::string> names;
  for (const BudgetTask& task : tasks) names.push_back(task.name);
  return tools::join(names);
}

// Whether a limit can be measured of a task.
bool applies(const LossLimit& limit, const BudgetTask& task) {
  if (limit.kind == LossLimit::Kind::kScore) return true;
  return task.labelled && task.probability == (limit.kind == LossLimit::Kind::kAuc);
}

void apply(const LossLimit& limit, const std::vector<BudgetTask>& tasks, std::vector<TaskLimits>& limits) {
  bool any = false, found = false;
  for (size_t i = 0; i < tasks.size(); ++i) {
    if (!limit.task.empty() && limit.task != tasks[i].name) continue;
    found = true;
    if (!applies(limit, tasks[i])) continue;
    any = true;
    if (limit.kind == LossLimit::Kind::kScore) {
      limits[i].score = std::min(limits[i].score, limit.relative ? limit.value * tasks[i].typical : limit.value);
    } else {
      limits[i].quality = std::min(limits[i].quality, limit.value);
    }
  }
  if (!found) refuse(limit.text, "there is no task " + tools::quoted(limit.task) + "; the tasks: " + names_of(tasks));
  if (any) return;
  const bool is_auc = limit.kind == LossLimit::Kind::kAuc;
  refuse(limit.text, std::string("no such task has labels and ") +
                         (is_auc ? "a probability as its score" : "a score other than a probability") +
                         "; --label TASK=COLUMN says where labels are");
}

// What names a task stands in place of what is for all tasks, in whatever order they are given.
std::vector<TaskLimits> limits_of(const std::vector<LossLimit>& given, const std::vector<BudgetTask>& tasks) {
  std::vector<TaskLimits> limits(tasks.size()), named(tasks.size());
  for (const LossLimit& limit : given) apply(limit, tasks, limit.task.empty() ? limits : named);
  for (size_t i = 0; i < tasks.size(); ++i) {
    if (std::isfinite(named[i].score)) limits[i].score = named[i].score;
    if (std::isfinite(named[i].quality)) limits[i].quality = named[i].quality;
  }
  return limits;
}

// Its limits where it has none.
void apply_default(const BudgetTask& task, TaskLimits& limits, std::vector<std::string>& texts) {
  const auto say = [&](const char* key, double value) {
    texts.push_back(std::string(key) + ":" + task.name + "=" + tools::significant(value) + " (default)");
  };
  if (task.labelled) {
    limits.quality = kDefaultQuality;
    say(task.probability ? "auc" : "r2", limits.quality);
  } else {
    limits.score = task.probability ? kDefaultScore : kDefaultRelativeScore * task.typical;
    say("score", limits.score);
  }
}

}  // namespace

Budget parse_budget(const std::vector<std::string>& texts) {
  Budget budget;
  for (const std::string& text : texts) add_text(text, budget);
  return budget;
}

ResolvedBudget resolve(const Budget& budget, const std::vector<BudgetTask>& tasks) {
  ResolvedBudget resolved{limits_of(budget.limits, tasks), budget.bytes, budget.time, {}};
  for (const LossLimit& limit : budget.limits) resolved.texts.push_back(limit.text);
  const bool goals_alone = budget.limits.empty() && (budget.bytes || budget.time);
  for (size_t i = 0; i < tasks.size() && !goals_alone; ++i) {
    const bool limited = std::isfinite(resolved.tasks[i].score) || std::isfinite(resolved.tasks[i].quality);
    if (!limited) apply_default(tasks[i], resolved.tasks[i], resolved.texts);
  }
  if (budget.bytes) resolved.texts.push_back("bytes=" + std::to_string(*budget.bytes));
  if (budget.time) {
    const std::string batch = budget.time->batch == 1 ? "" : "@" + std::to_string(budget.time->batch);
    resolved.texts.push_back("us=" + tools::significant(budget.time->microseconds) + batch);
  }
  return resolved;
}

}  // namespace mmoe::converter
