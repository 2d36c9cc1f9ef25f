// What every program of unit tests has: doctest's main(), and an end to a case that fails again and again.
#define DOCTEST_CONFIG_IMPLEMENT_WITH_MAIN
#include <doctest/doctest.h>

namespace {

// A case ends at its tenth failed assertion, since a loop over elements would print thousands. The cases behind it
// still run, which they would not with --abort-after. That option, where it is given, holds instead.
class LimitPerCase : public doctest::IReporter {
 public:
  explicit LimitPerCase(const doctest::ContextOptions& options)
      : options_(const_cast<doctest::ContextOptions&>(options)), is_given_(options.abort_after > 0) {}

  void test_case_start(const doctest::TestCaseData&) override {
    if (!is_given_) options_.abort_after = num_failed_ + kMostFailures;
  }
  void test_case_end(const doctest::CurrentTestCaseStats& stats) override {
    num_failed_ += stats.numAssertsFailedCurrentTest;
    if (!is_given_) options_.abort_after = 0;
  }

  void report_query(const doctest::QueryData&) override {}
  void test_run_start() override {}
  void test_run_end(const doctest::TestRunStats&) override {}
  void test_case_reenter(const doctest::TestCaseData&) override {}
  void test_case_exception(const doctest::TestCaseException&) override {}
  void subcase_start(const doctest::SubcaseSignature&) override {}
  void subcase_end() override {}
  void log_assert(const doctest::AssertData&) override {}
  void log_message(const doctest::MessageData&) override {}
  void test_case_skipped(const doctest::TestCaseData&) override {}

 private:
  static constexpr int kMostFailures = 10;

  doctest::ContextOptions& options_;  // of doctest's own context, which is not constant
  bool is_given_;
  int num_failed_ = 0;
};

}  // namespace

REGISTER_LISTENER("limit per case", 1, LimitPerCase);
