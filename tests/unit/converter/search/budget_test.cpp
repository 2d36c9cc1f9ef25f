#include "converter/search/budget.h"

#include <doctest/doctest.h>

#include <cmath>

#include "runtime/tools/support/error.h"

namespace mmoe::converter {
namespace {

std::string refusal(const std::vector<std::string>& texts, const std::vector<BudgetTask>& tasks = {}) {
  try {
    resolve(parse_budget(texts), tasks);
  } catch (const tools::UsageError& error) {
    return error.what();
  }
  return "";
}

bool has(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

TEST_CASE("budget: sizes and times have their units") {
  const auto bytes = [](const std::string& text) { return *parse_budget({"bytes=" + text}).bytes; };
  CHECK(bytes("120000") == 120000);
  CHECK(bytes("2MB") == 2000000);
  CHECK(bytes("1.5 kB") == 1500);
  CHECK(bytes("2KiB") == 2048);
  CHECK(bytes("1gib") == 1073741824);
  const Budget time = parse_budget({"us=2.5@256"});
  CHECK(time.time->microseconds == 2.5);
  CHECK(time.time->batch == 256);
  CHECK(parse_budget({"us=20"}).time->batch == 1);
}

TEST_CASE("budget: what is no budget is refused, with what is wrong") {
  for (const char* text : {"", "score", "speed=3", "score=", "score=a", "score=-1", "score=nan", "auc=5%", "bytes=0",
                           "bytes=2XB", "bytes=1e30", "us=0", "us=3@0", "us=3@x", "bytes:y=3", "score:=1"}) {
    INFO(text);
    CHECK(has(refusal({text}), "--budget: "));
  }
  CHECK(has(refusal({"bytes=1", "bytes=2"}), "twice"));
  CHECK(parse_budget({"score=1e-400"}).limits[0].value == 0);  // less than any double but 0
}

TEST_CASE("budget: each task has its limit, given or the default one") {
  const std::vector<BudgetTask> tasks = {
      {"click", true, true, 0.3}, {"price", false, false, 50}, {"like", true, false, 0.1}};
  ResolvedBudget budget = resolve(parse_budget({}), tasks);
  CHECK(budget.tasks[0].quality == 0.0005);
  CHECK(std::isinf(budget.tasks[0].score));
  CHECK(budget.tasks[1].score == 0.05);  // 0.1 % of 50
  CHECK(budget.tasks[2].score == 0.001);
  CHECK(budget.texts == std::vector<std::string>{"auc:click=0.0005 (default)", "score:price=0.05 (default)",
                                                 "score:like=0.001 (default)"});
  budget = resolve(parse_budget({"score=0.01", "score:price=2%", "auc=0.1"}), tasks);
  CHECK(budget.tasks[0].score == 0.01);
  CHECK(budget.tasks[0].quality == 0.1);
  CHECK(budget.tasks[1].score == 1);
  CHECK(budget.tasks[2].score == 0.01);
  CHECK(std::isinf(budget.tasks[2].quality));
  // The order does not matter: a task's own limit comes first, and of two of a kind the least.
  budget = resolve(parse_budget({"score:price=2%", "score=0.02", "auc:click=0.3", "auc=0.1", "score=0.01"}), tasks);
  CHECK(budget.tasks[0].score == 0.01);
  CHECK(budget.tasks[0].quality == 0.3);
  CHECK(budget.tasks[1].score == 1);
  CHECK(budget.tasks[2].score == 0.01);
  // A goal alone limits no task; a goal and a limit leave the defaults to the other tasks.
  budget = resolve(parse_budget({"bytes=1MB"}), tasks);
  for (const TaskLimits& limits : budget.tasks) CHECK(std::isinf(limits.score));
  budget = resolve(parse_budget({"bytes=1MB", "score:price=1"}), tasks);
  CHECK(budget.tasks[0].quality == 0.0005);
  CHECK(has(refusal({"score:clicks=1"}, tasks), "there is no task 'clicks'; the tasks: click, price, like"));
  CHECK(has(refusal({"r2=0.1"}, tasks), "--label TASK=COLUMN"));
  CHECK(has(refusal({"auc:like=0.1"}, tasks), "--label TASK=COLUMN"));
}

}  // namespace
}  // namespace mmoe::converter
