#include "tests/bench/measure.h"

#include <algorithm>
#include <cmath>
#include <stdexcept>

#include "runtime/tools/bench/timing.h"
#include "tests/bench/aligned.h"

namespace mmoe::bench {
namespace {

// An engine in the running: what is known of it, and its samples.
struct Entry {
  Engine* engine;
  Measured* result;
  AlignedFloats scores;
  std::vector<double> samples;
};

// Scores of saturated or constant models would hide a wrong engine.
void require_varied(const AlignedFloats& scores) {
  const auto [low, high] = std::minmax_element(scores.data(), scores.data() + scores.size());
  if (!(*low >= 0 && *high <= 1 && *high - *low > 1e-3f)) throw std::runtime_error("our scores cannot be right");
}

void check(Entry& entry, const Case& what) {
  entry.result->choice = entry.engine->prepare(what);
  entry.engine->run(what.x, entry.scores.data());
  if (!what.expected) return require_varied(entry.scores);
  entry.result->difference = largest_difference(what, entry.scores.data());
  if (!is_right(what, entry.scores.data())) {
    throw std::runtime_error("its scores differ from ours by " + std::to_string(entry.result->difference));
  }
}

std::size_t calls_per_slice(Entry& entry, const Case& what, double slice_seconds) {
  const double once = entry.engine->seconds_per_call(what.x, entry.scores.data(), 1);
  const double one_call =
      once > slice_seconds / 10 ? once : entry.engine->seconds_per_call(what.x, entry.scores.data(), 10);
  return static_cast<std::size_t>(std::max(1.0, std::round(slice_seconds / one_call)));
}

void run_rounds(std::vector<Entry>& entries, const Case& what, const MeasureOptions& options) {
  for (Entry& entry : entries) entry.result->calls = calls_per_slice(entry, what, options.slice_seconds);
  for (int round = 0; round < options.rounds; ++round) {
    // Each round begins with another engine, so that none always comes after the same one.
    for (std::size_t i = 0; i < entries.size(); ++i) {
      Entry& entry = entries[(i + static_cast<std::size_t>(round)) % entries.size()];
      entry.samples.push_back(entry.engine->seconds_per_call(what.x, entry.scores.data(), entry.result->calls));
    }
  }
  for (Entry& entry : entries) {
    entry.result->median = tools::quantile(entry.samples, 0.5);
    entry.result->best = tools::quantile(entry.samples, 0);
  }
}

double multiply_adds(const std::vector<Layer>& layers) {
  double sum = 0;
  for (const Layer& layer : layers) sum += static_cast<double>(layer.inputs * layer.outputs);
  return sum;
}

double flops(const Network& network, std::size_t batch) {
  double sum = multiply_adds(network.gates);
  for (const auto& expert : network.experts) sum += multiply_adds(expert);
  for (const auto& tower : network.towers) sum += multiply_adds(tower);
  sum += static_cast<double>(network.num_tasks() * network.num_experts() * network.expert_dim());
  return 2 * sum * static_cast<double>(batch);
}

}  // namespace

Cell planned_cell(const std::vector<NamedEngine>& engines, const Case& what, const MeasureOptions& options) {
  Cell cell{what.name, what.batch, flops(*what.network, what.batch), options.rounds, options.slice_seconds, {}};
  for (const NamedEngine& engine : engines) {
    cell.engines.emplace_back();
    cell.engines.back().engine = engine.name;
    cell.engines.back().kind = engine.kind;
    cell.engines.back().numbers = engine.numbers;
  }
  return cell;
}

double flop_per_second(std::vector<NamedEngine>& engines, const Case& what) {
  AlignedFloats scores(what.batch * what.network->num_tasks());
  engines[0].engine->prepare(what);
  return flops(*what.network, what.batch) / engines[0].engine->seconds_per_call(what.x, scores.data(), 1);
}

Cell measure(std::vector<NamedEngine>& engines, const Case& given, const Limits& limits,
             const MeasureOptions& options) {
  Case what = given;
  Cell cell = planned_cell(engines, what, options);
  const std::size_t num_scores = what.batch * what.network->num_tasks();
  AlignedFloats expected(num_scores);
  std::vector<Entry> entries;
  for (std::size_t i = 0; i < engines.size(); ++i) {
    Measured& result = cell.engines[i];
    Entry entry{engines[i].engine.get(), &result, AlignedFloats(num_scores), {}};
    what.expected = i == 0 ? nullptr : expected.data();
    what.limit = result.limit = limits[static_cast<std::size_t>(result.numbers)];
    try {
      check(entry, what);
    } catch (const std::exception& error) {
      if (i == 0) throw;
      result.failure = error.what();
      continue;
    }
    if (i == 0) std::copy(entry.scores.data(), entry.scores.data() + num_scores, expected.data());
    entries.push_back(std::move(entry));
  }
  run_rounds(entries, what, options);
  return cell;
}

}  // namespace mmoe::bench
