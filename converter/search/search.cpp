#include "converter/search/search.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <iterator>
#include <optional>
#include <tuple>
#include <utility>

#include "runtime/tools/support/error.h"
#include "runtime/tools/support/printable.h"
#include "runtime/tools/support/text.h"

namespace mmoe::converter {
namespace {

// One part in one smaller type, all others in f32.
struct Option {
  size_t part;
  uint8_t type;
  double saving, harm;  // against the start
};

class Search {
 public:
  Search(const TrainedModel& model, const ProvenanceInfo& provenance, const TrialOptions& options)
      : trials_(model, provenance, options), by_time_(options.budget.time && !options.budget.bytes) {}

  SearchResult run();

 private:
  void try_parts();
  void try_uniform();
  std::vector<Option> moves() const;
  size_t try_moves(const std::vector<Option>& moves, size_t count);
  size_t least_count(size_t most, const std::function<bool(size_t)>& is_enough);
  void shrink();
  void polish(size_t from);
  void reach_goals();
  void give_back(size_t from);
  void relax(size_t from);
  void reach_time();
  size_t combination(const Choice& choice);
  size_t choose(std::vector<TaskLoss>& losses);
  [[noreturn]] void refuse() const;

  const Tried& tried(size_t index) const { return trials_.tried()[index]; }
  double cost(const Tried& tried) const { return by_time_ ? tried.seconds : static_cast<double>(tried.file_bytes); }
  bool has_goal() const { return trials_.budget().bytes || trials_.budget().time; }
  bool reaches(const Tried& tried) const;
  bool is_better(const Tried& a, const Tried& b) const;
  std::optional<size_t> best(const std::vector<bool>& refused) const;

  Trials trials_;
  bool by_time_;
  std::vector<Option> ones_;     // all that were tried
  std::vector<Option> options_;  // those that keep the limits and save something
};

bool Search::reaches(const Tried& tried) const {
  const ResolvedBudget& budget = trials_.budget();
  if (budget.bytes && tried.file_bytes > *budget.bytes) return false;
  return !budget.time || tried.seconds * 1e6 <= budget.time->microseconds;
}

// Of two that keep the budget.
bool Search::is_better(const Tried& a, const Tried& b) const {
  if (has_goal()) return std::make_tuple(a.harm, cost(a)) < std::make_tuple(b.harm, cost(b));
  return std::make_tuple(cost(a), a.harm) < std::make_tuple(cost(b), b.harm);
}

std::optional<size_t> Search::best(const std::vector<bool>& refused) const {
  std::optional<size_t> found;
  for (size_t i = 0; i < trials_.tried().size(); ++i) {
    const bool out = i < refused.size() && refused[i];
    if (out || !tried(i).keeps_limits() || !reaches(tried(i))) continue;
    if (!found || is_better(tried(i), tried(*found))) found = i;
  }
  return found;
}

size_t Search::combination(const Choice& choice) {
  return trials_.add(choice, Tried::Kind::kCombination, "combination");
}

void Search::try_parts() {
  const std::vector<Part>& parts = trials_.parts();
  ones_.clear();
  options_.clear();
  const Choice start(parts.size());
  const size_t first = trials_.add(start, Tried::Kind::kStart, "f32");
  for (size_t part = 0; part < parts.size(); ++part) {
    for (const uint8_t type : parts[part].types) {
      Choice choice = start;
      choice[part] = type;
      const size_t one =
          trials_.add(choice, Tried::Kind::kOnePart, parts[part].name + ": " + type_name(parts[part], type), by_time_);
      const Option option{part, type, cost(tried(first)) - cost(tried(one)), tried(one).harm};
      ones_.push_back(option);
      if (option.saving > 0 && tried(one).keeps_limits()) options_.push_back(option);
    }
  }
}

// What a person would try by hand; and one of them may be as good as any mixture.
void Search::try_uniform() {
  using W = WeightType;
  using T = TableType;
  const std::vector<Part>& parts = trials_.parts();
  const auto has = [&](bool table) {
    return std::any_of(parts.begin(), parts.end(), [&](const Part& part) { return part.is_table == table; });
  };
  const auto add = [&](W weights, T tables) {
    Choice choice;
    for (const Part& part : parts) {
      const auto wanted = part.is_table ? static_cast<uint8_t>(tables) : static_cast<uint8_t>(weights);
      const bool there = std::count(part.types.begin(), part.types.end(), wanted) > 0;
      choice.push_back(there ? wanted : uint8_t{0});
    }
    const std::string of_layers = "layers " + type_name({"", false, {}, 0, {}}, static_cast<uint8_t>(weights));
    const std::string of_tables = "tables " + type_name({"", true, {}, 0, {}}, static_cast<uint8_t>(tables));
    trials_.add(choice, Tried::Kind::kUniform,
                !has(true)    ? of_layers
                : !has(false) ? of_tables
                              : of_layers + ", " + of_tables);
  };
  if (has(false)) {
    for (const W weights : {W::kF16, W::kI8, W::kW8A8}) add(weights, T::kF32);
  }
  if (!has(true)) return;
  for (const T tables : {T::kF16, T::kU8, T::kU4}) add(W::kF32, tables);
  if (!has(false)) return;
  add(W::kF16, T::kF16);
  add(W::kI8, T::kU8);
  add(W::kW8A8, T::kU8);
}

// Steps of all parts to smaller types, those first that do the least harm for what they save. Of a part only the types
// on the lower hull of (saving, harm) are steps, so that its steps come in their order.
std::vector<Option> Search::moves() const {
  struct Move {
    Option option;
    double slope;
  };
  std::vector<Move> all;
  for (size_t part = 0; part < trials_.parts().size(); ++part) {
    std::vector<Option> of_part;
    for (const Option& option : options_) {
      if (option.part == part) of_part.push_back(option);
    }
    Option at{part, 0, 0, 0};
    while (true) {
      const Option* next = nullptr;
      double least = 0;
      for (const Option& option : of_part) {
        if (option.saving <= at.saving) continue;
        const double slope = (option.harm - at.harm) / (option.saving - at.saving);
        if (next == nullptr || slope < least || (slope == least && option.saving > next->saving)) {
          next = &option;
          least = slope;
        }
      }
      if (next == nullptr) break;
      at = *next;
      all.push_back({at, least});
    }
  }
  std::stable_sort(all.begin(), all.end(), [](const Move& a, const Move& b) { return a.slope < b.slope; });
  std::vector<Option> result;
  for (const Move& move : all) result.push_back(move.option);
  return result;
}

size_t Search::try_moves(const std::vector<Option>& moves, size_t count) {
  Choice choice(trials_.parts().size());
  for (size_t i = 0; i < count; ++i) choice[moves[i].part] = moves[i].type;
  return combination(choice);
}

// The least count from 0 to `most` that is enough, as if every larger one were too; `most` where none seems to be.
size_t Search::least_count(size_t most, const std::function<bool(size_t)>& is_enough) {
  size_t low = 0, high = most;
  while (low < high) {
    const size_t middle = (low + high) / 2;
    if (is_enough(middle)) {
      high = middle;
    } else {
      low = middle + 1;
    }
  }
  return high;
}

// As many steps as keep the limits, and then whatever single step still does.
void Search::shrink() {
  const std::vector<Option> all = moves();
  size_t count = all.size();
  if (!tried(try_moves(all, count)).keeps_limits()) {
    const auto too_many = [&](size_t n) { return !tried(try_moves(all, n)).keeps_limits(); };
    count = least_count(count, too_many);
    count -= count > 0 ? 1 : 0;
  }
  polish(try_moves(all, count));
  if (const auto found = best({})) polish(*found);
  if (const auto found = best({})) relax(*found);
}

void Search::polish(size_t from) {
  std::vector<Option> order = options_;
  std::stable_sort(order.begin(), order.end(), [](const Option& a, const Option& b) { return a.saving > b.saving; });
  size_t at = from;
  const auto saving_now = [&](size_t part) {
    for (const Option& option : options_) {
      if (option.part == part && option.type == tried(at).choice[part]) return option.saving;
    }
    return 0.0;
  };
  for (const Option& option : order) {
    if (option.saving <= saving_now(option.part)) continue;
    Choice choice = tried(at).choice;
    choice[option.part] = option.type;
    const size_t next = combination(choice);
    if (tried(next).keeps_limits() && cost(tried(next)) < cost(tried(at))) at = next;
  }
}

// As few steps as reach the goals.
void Search::reach_goals() {
  const std::vector<Option> all = moves();
  const auto enough = [&](size_t n) { return reaches(tried(try_moves(all, n))); };
  const size_t count = least_count(all.size(), enough);
  const size_t found = try_moves(all, count);
  if (reaches(tried(found)) && tried(found).keeps_limits()) {
    give_back(found);
  } else {
    shrink();
  }
}

// The steps that save most bytes need not save most time.
void Search::reach_time() {
  by_time_ = true;
  try_parts();
  reach_goals();
}

// Parts back to larger types, those first that do the most harm, while the goals stay reached.
void Search::give_back(size_t from) {
  size_t at = from;
  std::vector<Option> order = options_;
  std::stable_sort(order.begin(), order.end(), [](const Option& a, const Option& b) { return a.harm > b.harm; });
  for (const Option& taken : order) {
    if (tried(at).choice[taken.part] != taken.type) continue;
    std::vector<std::pair<double, uint8_t>> larger{{0, uint8_t{0}}};
    for (const Option& option : options_) {
      if (option.part == taken.part && option.harm < taken.harm) larger.emplace_back(option.harm, option.type);
    }
    std::sort(larger.begin(), larger.end());
    for (const auto& [harm, type] : larger) {
      Choice choice = tried(at).choice;
      choice[taken.part] = type;
      const size_t next = combination(choice);
      if (!reaches(tried(next)) || !tried(next).keeps_limits()) continue;
      at = next;
      break;
    }
  }
}

// Types that save nothing, since rows and outputs have scales and places in the file are multiples of 64 bytes, are
// given back.
void Search::relax(size_t from) {
  size_t at = from;
  for (size_t part = 0; part < trials_.parts().size(); ++part) {
    const auto is_now = [&](const Option& one) { return one.part == part && one.type == tried(at).choice[part]; };
    const auto now = std::find_if(ones_.begin(), ones_.end(), is_now);
    if (now == ones_.end()) continue;
    std::vector<Option> better{{part, 0, 0, 0}};
    std::copy_if(ones_.begin(), ones_.end(), std::back_inserter(better),
                 [&](const Option& one) { return one.part == part; });
    std::stable_sort(better.begin(), better.end(), [](const Option& a, const Option& b) { return a.harm < b.harm; });
    for (const Option& one : better) {
      if (one.harm >= now->harm || one.saving < now->saving) continue;
      Choice choice = tried(at).choice;
      choice[part] = one.type;
      const size_t next = combination(choice);
      if (!tried(next).keeps_limits() || cost(tried(next)) > cost(tried(at))) continue;
      at = next;
      break;
    }
  }
}

std::string budget_text(const ResolvedBudget& budget) {
  std::string text;
  for (const std::string& one : budget.texts) text += (text.empty() ? "" : ", ") + one;
  return text;
}

void Search::refuse() const {
  const ResolvedBudget& budget = trials_.budget();
  const std::string beginning = "no choice of types keeps the budget " + budget_text(budget) + ". ";
  const Tried *smallest = nullptr, *closest = nullptr;
  for (const Tried& one : trials_.tried()) {
    if (one.keeps_limits() && (smallest == nullptr || cost(one) < cost(*smallest))) smallest = &one;
    if (reaches(one) && (closest == nullptr || one.share < closest->share)) closest = &one;
  }
  std::string message = beginning;
  if (smallest == nullptr) {
    message += "Types that the description says already lose " + tools::significant(tried(0).share) +
               " times what is allowed. ";
  } else if (budget.time && smallest->file_bytes <= budget.bytes.value_or(UINT64_MAX)) {
    message += "The nearest takes " + tools::significant(smallest->seconds * 1e6) + " microseconds per row, " +
               tools::significant(smallest->seconds * 1e6 - budget.time->microseconds) + " too many. ";
  } else {
    message += "The nearest has " + tools::with_thousands(smallest->file_bytes) + " bytes, " +
               tools::with_thousands(smallest->file_bytes - *budget.bytes) + " too many. ";
  }
  if (smallest != nullptr && closest != nullptr) {
    message += "What is small and fast enough loses at least " + tools::significant(closest->share) +
               " times what is allowed (" + tools::with_thousands(closest->file_bytes) + " bytes)";
  }
  while (message.back() == ' ' || message.back() == '.') message.pop_back();
  throw tools::ToolError(message);
}

// The best one; where not all rows were in memory, the best one that keeps the limits on all of them. `losses`: its
// own.
size_t Search::choose(std::vector<TaskLoss>& losses) {
  std::vector<bool> refused(trials_.tried().size());
  while (const auto found = best(refused)) {
    losses = trials_.losses_on_all_rows(*found);
    if (trials_.share_of(losses) <= 1) return *found;
    refused[*found] = true;
  }
  refuse();
}

SearchResult Search::run() {
  try_parts();
  if (!tried(0).keeps_limits()) refuse();
  try_uniform();
  if (has_goal()) {
    reach_goals();
    if (trials_.budget().time && !by_time_ && !best({})) reach_time();
  } else {
    shrink();
  }
  SearchResult result;
  result.chosen = choose(result.losses);
  result.share = trials_.share_of(result.losses);
  result.parts = trials_.parts();
  result.tried = trials_.tried();
  result.budget = trials_.budget();
  result.tasks = trials_.rows().tasks();
  result.num_rows = trials_.rows().num_rows();
  result.num_kept = trials_.rows().num_kept();
  result.batch = trials_.batch();
  result.f32_bytes = trials_.f32_bytes();
  return result;
}

}  // namespace

const Tried* SearchResult::nearest() const {
  const Tried* found = nullptr;
  for (const Tried& one : tried) {
    if (one.kind != Tried::Kind::kOnePart) continue;
    if (found == nullptr || one.share < found->share) found = &one;
  }
  return found;
}

SearchResult search(const TrainedModel& model, const ProvenanceInfo& provenance, const TrialOptions& options) {
  return Search(model, provenance, options).run();
}

}  // namespace mmoe::converter
