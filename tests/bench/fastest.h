// The fastest of several ways in which an engine could run a model, among those whose scores are right.
#pragma once

#include <algorithm>
#include <limits>
#include <memory>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "tests/bench/engine.h"

namespace mmoe::bench {

template <class Way>
class Fastest {
 public:
  /// `engine` runs `way` now. Keeps the way if it is right and faster than those before.
  void consider(Engine& engine, const Case& what, const std::string& label, std::unique_ptr<Way>& way) {
    std::vector<float> scores(what.batch * what.network->num_tasks());
    engine.run(what.x, scores.data());
    if (!is_right(what, scores.data())) {
      least_difference_ = std::min(least_difference_, largest_difference(what, scores.data()));
      return;
    }
    const double seconds = trial(engine, what, scores.data());
    if (seconds >= seconds_) return;
    seconds_ = seconds;
    label_ = label;
    way_ = std::move(way);
  }

  /// Throws std::runtime_error if no way is right.
  std::unique_ptr<Way> take() {
    if (!way_) throw std::runtime_error("its scores differ from ours by " + std::to_string(least_difference_));
    return std::move(way_);
  }
  const std::string& label() const { return label_; }

 private:
  // The least of several samples: what others do on the machine only adds to it.
  static double trial(Engine& engine, const Case& what, float* scores) {
    double least = std::numeric_limits<double>::infinity();
    const std::size_t calls = what.batch >= 256 ? 2 : what.batch >= 64 ? 10 : 50;
    for (int sample = 0; sample < 5; ++sample) {
      const double seconds = engine.seconds_per_call(what.x, scores, calls);
      least = std::min(least, seconds);
      if (seconds * static_cast<double>(calls) > 0.2 && sample > 0) break;
    }
    return least;
  }

  std::unique_ptr<Way> way_;
  std::string label_;
  double seconds_ = std::numeric_limits<double>::infinity();
  float least_difference_ = std::numeric_limits<float>::infinity();
};

}  // namespace mmoe::bench
