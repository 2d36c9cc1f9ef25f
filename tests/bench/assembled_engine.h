// An Assembled as an Engine: tries the ways of assembling it on the machine, for the batch at hand, and keeps the
// fastest whose scores are right. One choice after the other is varied, each from the best so far: what its user would
// find out by hand.
#pragma once

#include <algorithm>
#include <limits>
#include <memory>
#include <string>
#include <utility>

#include "tests/bench/assembled.h"
#include "tests/bench/engine.h"

namespace mmoe::bench {

template <class Product>
class AssembledEngine : public Engine {
 public:
  AssembledEngine() = default;
  /// `about`: what the library says of itself, such as the instructions that it uses.
  explicit AssembledEngine(std::string about) : about_(std::move(about)) {}

  std::string prepare(const Case& what) override {
    what_ = what;
    scores_ = AlignedFloats(what.batch * what.network->num_tasks());
    best_.reset();
    best_seconds_ = std::numeric_limits<double>::infinity();
    Choice start;
    start.rows = std::min<std::size_t>(what.batch, 64);
    start.tuning = Product::tunings(start.rows).front();
    choice_ = start;
    consider(start);
    vary([](Choice& c) { c.first = FirstLayers::kJoined; });
    vary([](Choice& c) { c.first = FirstLayers::kSeparate; });
    for (const std::size_t rows : {what.batch, std::size_t{16}, std::size_t{32}, std::size_t{128}, std::size_t{256}}) {
      vary([rows](Choice& c) { c.rows = rows; });
    }
    vary([](Choice& c) { c.library_towers = true; });
    for (const int tuning : Product::tunings(choice_.rows)) vary([tuning](Choice& c) { c.tuning = tuning; });
    for (const FirstLayers first : {FirstLayers::kWithGates, FirstLayers::kJoined, FirstLayers::kSeparate}) {
      vary([first](Choice& c) { c.first = first; });
    }
    if (!best_) throw std::runtime_error(failure_);
    return choice_.text() + about_;
  }

  void run(const float* x, float* scores) override { best_->run(x, what_.batch, scores); }

 private:
  template <class Change>
  void vary(Change change) {
    Choice choice = choice_;
    change(choice);
    if (choice.text() != choice_.text()) consider(choice);
  }

  void consider(const Choice& choice) {
    if (choice.rows > what_.batch || what_.batch % choice.rows != 0) return;
    std::unique_ptr<Assembled<Product>> candidate;
    try {
      candidate = std::make_unique<Assembled<Product>>(*what_.network, choice);
    } catch (const std::exception& error) {
      failure_ = error.what();  // a choice that the library refuses
      return;
    }
    const double seconds = trial(*candidate);
    if (!is_right(what_, scores_.data())) {
      failure_ = "its scores differ from ours by " + std::to_string(largest_difference(what_, scores_.data()));
      return;
    }
    if (seconds < best_seconds_) {
      best_seconds_ = seconds;
      best_ = std::move(candidate);
      choice_ = choice;
    } else if (!best_) {
      choice_ = choice;
    }
  }

  // The least of several samples: what others do on the machine only adds to it.
  double trial(Assembled<Product>& candidate) {
    const auto call = [&] { candidate.run(what_.x, what_.batch, scores_.data()); };
    call();
    const Clock::time_point start = Clock::now();
    call();
    const double first = std::chrono::duration<double>(Clock::now() - start).count();
    const int calls = static_cast<int>(std::max(1.0, 5e-4 / std::max(first, 1e-8)));
    double least = std::numeric_limits<double>::infinity();
    for (int sample = 0; sample < (first > 0.05 ? 2 : 6); ++sample) {
      const Clock::time_point begin = Clock::now();
      for (int i = 0; i < calls; ++i) call();
      least = std::min(least, std::chrono::duration<double>(Clock::now() - begin).count() / calls);
    }
    return least;
  }

  std::string about_;
  Case what_;
  AlignedFloats scores_;
  Choice choice_;
  std::unique_ptr<Assembled<Product>> best_;
  double best_seconds_ = 0;
  std::string failure_ = "no way of assembling the model works";
};

}  // namespace mmoe::bench
