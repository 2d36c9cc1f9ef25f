// Score a person of examples/census by the raw values of twelve features: raw_rows_cpp census.mmoe
//
// What is not set is missing: the model's own rules say what becomes of it.
#include <mmoe/rows.h>
#include <mmoe/session.h>

#include <cstdio>

int main(int argc, char** argv) {
  const auto fail = [](const mmoe::Error& error) { return std::fprintf(stderr, "%s\n", error.message()), 1; };
  auto model = mmoe::Model::map(argc > 1 ? argv[1] : "census.mmoe");
  if (!model) return fail(model.error());
  auto session = mmoe::Session::create(*model);
  if (!session) return fail(session.error());
  auto rows = mmoe::Rows::create(*model);
  if (!rows) return fail(rows.error());
  const auto set = [&](const char* feature, const mmoe::RawValue& value) {
    static_cast<void>(rows->set(0, feature, value));  // the first error stays, and scoring returns it
  };
  set("age", 20);
  set("wage_per_hour", 550);
  set("capital_gains", 0);
  set("capital_losses", 0);
  set("stock_dividends", 0);
  set("employer_size", 3);
  set("weeks_worked", 22);
  set("class_of_worker", "Private");
  set("enrolled_in_education", "College or university");
  set("sex", "Male");
  set("detailed_industry", 33);
  set("year", 95);
  float scores[2];
  if (auto status = session->score(mmoe::Input::rows(*rows), {scores}); !status) return fail(status.error());
  std::printf("%s %.6f, %s %.6f\n", model->task_name(0).data(), double(scores[0]), model->task_name(1).data(),
              double(scores[1]));
}
