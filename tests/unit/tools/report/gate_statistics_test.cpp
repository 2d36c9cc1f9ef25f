#include "runtime/tools/report/gate_statistics.h"

#include <doctest/doctest.h>

#include <cmath>
#include <vector>

namespace mmoe::tools {
namespace {

using doctest::Approx;

GateStatistics statistics_of(std::size_t num_experts, const std::vector<std::vector<float>>& rows) {
  GateStatistics statistics(num_experts);
  for (const std::vector<float>& row : rows) statistics.add(row.data());
  return statistics;
}

TEST_CASE("means, first choices and who is among the largest two") {
  const GateStatistics statistics = statistics_of(
      4, {{0.5f, 0.25f, 0.125f, 0.125f}, {0, 0, 1, 0}, {0.25f, 0.25f, 0.25f, 0.25f}, {0, 0.25f, 0, 0.75f}});
  CHECK(statistics.mean(0) == Approx(0.1875));
  CHECK(statistics.mean(2) == Approx(0.34375));
  const double first[] = {0.5, 0, 0.25, 0.25};     // of equal ones the first position
  const std::uint64_t among_two[] = {2, 3, 1, 1};  // a weight of 0 does not count
  for (std::size_t e = 0; e < 4; ++e) {
    CHECK(statistics.first_choice(e) == first[e]);
    CHECK(statistics.rows_among_two(e) == among_two[e]);
  }
}

TEST_CASE("entropy in nats, also of weights that do not sum to 1") {
  CHECK(statistics_of(4, {{0.25f, 0.25f, 0.25f, 0.25f}}).mean_entropy() == Approx(std::log(4)));
  CHECK(statistics_of(2, {{1, 0}}).mean_entropy() == 0);
  CHECK(statistics_of(2, {{0.25f, 0.25f}, {1, 0}}).mean_entropy() == Approx(std::log(2) / 2));
}

TEST_CASE("weights below 0 and above 1, as gates without a softmax give them") {
  const GateStatistics statistics = statistics_of(3, {{-0.5f, 2, 0.5f}, {0, 0, 0}, {-3, 1.5f, 0.25f}});
  CHECK(statistics.mean(0) == Approx(-3.5 / 3));
  CHECK(statistics.quantile(0, 0.9) == 0);
  CHECK(statistics.quantile(1, 0.9) == 1);
  CHECK(statistics.histogram(0, 4) == std::vector<double>{1, 0, 0, 0});
  CHECK(statistics.histogram(1, 4)[3] == Approx(2.0 / 3));
  CHECK(statistics_of(2, {{-0.5f, 0.5f}, {0, 0}}).mean_entropy() == Approx(std::log(2) / 2));
}

TEST_CASE("quantiles are within a thousandth, histograms count each row once") {
  std::vector<std::vector<float>> rows;
  for (int i = 0; i <= 1000; ++i) rows.push_back({static_cast<float>(i) / 1000, 1 - static_cast<float>(i) / 1000});
  const GateStatistics statistics = statistics_of(2, rows);
  for (const double share : {0.1, 0.5, 0.9}) {
    CHECK(std::fabs(statistics.quantile(0, share) - share) <= 0.0021);  // of 1,001 rows, in bins of 0.001
    CHECK(std::fabs(statistics.quantile(1, share) - share) <= 0.0021);
  }
  double sum = 0;
  for (const double bin : statistics.histogram(0, 20)) {
    CHECK(bin == Approx(0.05).epsilon(0.05));
    sum += bin;
  }
  CHECK(sum == Approx(1));
  CHECK(statistics_of(1, {{1.0f}}).histogram(0, 20).back() == 1);
}

TEST_CASE("quantiles of top-k gates are exactly 0 or 1 where the weights are") {
  const GateStatistics statistics = statistics_of(3, {{1, 0, 0}, {1, 0, 0}, {0, 1, 0}, {0.5f, 0.5f, 0}, {0, 1, 0}});
  CHECK(statistics.quantile(0, 0.4) == 0);
  CHECK(statistics.quantile(0, 0.5) == Approx(0.5).epsilon(0.002));
  CHECK(statistics.quantile(0, 0.7) == 1);
  CHECK(statistics.quantile(1, 0.1) == 0);
  CHECK(statistics.quantile(1, 0.9) == 1);
  for (const double share : {0.1, 0.5, 0.9, 1.0}) CHECK(statistics.quantile(2, share) == 0);
}

}  // namespace
}  // namespace mmoe::tools
