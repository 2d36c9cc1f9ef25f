// Trained weights and their description -> Network, by the converter's own readers.
#pragma once

#include <filesystem>

#include "tests/bench/network.h"

namespace mmoe::bench {

/// Throws std::runtime_error for a model that is not a plain MMoE (Network says what that is).
Network read_network(const std::filesystem::path& weights, const std::filesystem::path& description);

}  // namespace mmoe::bench
