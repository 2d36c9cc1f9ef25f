// Small models of every architecture with random weights, for tests of what comes behind the description.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "converter/model/model.h"
#include "converter/quantise/quantise.h"
#include "mmoe/model.h"
#include "tests/unit/random.h"

namespace mmoe::test {

/// Bytes of a file at an address as a mapping has it, in an allocation that ends where they end, so that the
/// address sanitizer sees every over-read.
class AlignedBytes {
 public:
  explicit AlignedBytes(const std::vector<std::uint8_t>& bytes) : AlignedBytes(bytes.data(), bytes.size()) {}
  AlignedBytes(const std::uint8_t* bytes, std::size_t size);
  AlignedBytes(AlignedBytes&& other) noexcept : data_(other.data_), size_(other.size_) { other.data_ = nullptr; }
  AlignedBytes(const AlignedBytes&) = delete;
  ~AlignedBytes();

  std::uint8_t* data() const { return data_; }
  std::size_t size() const { return size_; }

 private:
  std::uint8_t* data_;
  std::size_t size_;
};

/// A layer with random weights.
converter::DenseLayer random_layer(std::size_t inputs, std::size_t outputs, Random& random,
                                   converter::ActivationKind activation = converter::ActivationKind::kRelu);

/// Layers of the given widths; the last one's activation may differ.
converter::Mlp random_mlp(std::size_t inputs, const std::vector<std::size_t>& widths, Random& random,
                          converter::ActivationKind activation = converter::ActivationKind::kRelu,
                          converter::ActivationKind last = converter::ActivationKind::kRelu);

converter::BatchNorm random_norm(std::size_t width, Random& random);
converter::LayerNorm random_layer_norm(std::size_t width, Random& random);

struct MmoeSizes {
  std::size_t inputs = 20;
  std::size_t experts = 4;
  std::vector<std::size_t> expert_widths = {16};
  std::size_t tasks = 2;
  std::vector<std::size_t> tower_widths = {8};
  std::size_t top_k = 0;
  std::size_t gates = 0;  ///< 0: one per task
};

/// MMoE, or OMoE with one gate.
converter::TrainedModel mmoe_description(const MmoeSizes& sizes, std::uint64_t seed = 1);
converter::TrainedModel shared_bottom_description(std::uint64_t seed = 1);
/// Two levels of shared and per-task experts; the gates of the second read x.
converter::TrainedModel ple_description(std::uint64_t seed = 1);
/// Per-task experts joined by constant gates, twice.
converter::TrainedModel cross_stitch_description(std::uint64_t seed = 1);
/// A trunk, stacked levels, hidden layers in a gate, batch norms before and after activations, every activation,
/// temperature, separate top-k modes, all kinds of links.
converter::TrainedModel mixed_description(std::uint64_t seed = 1);
/// Normalisations that weights cannot take in, in every place, in a trunk, experts of which some are skipped, a gate's
/// hidden layers and towers: layer norms, batch norms behind a last layer, Dice of both kinds. The first 9 of 23 inputs
/// are the user's.
converter::TrainedModel normalised_description(std::size_t top_k, std::uint64_t seed = 1);
/// Activations beyond those of mixed_description(), gates with constants behind the softmax, links of every source with
/// activations, scales and bounds, and tasks that are no output. The first 9 of 23 inputs are the user's.
converter::TrainedModel linked_description(std::size_t top_k, std::uint64_t seed = 1);
/// Gates that are no softmax: of activations, with and without a hidden layer and scales, and of smooth steps; two
/// levels of five experts. The first 7 of 19 inputs are the user's.
converter::TrainedModel gate_functions_description(std::size_t top_k, std::uint64_t seed = 1);
/// An MMoE whose first 13 of 20 inputs are the user's; with a trunk, the trunk reads them.
converter::TrainedModel user_item_description(bool with_trunk, std::size_t top_k, std::uint64_t seed = 1);
/// Experts, gates and towers of two levels that read parts of x: of the user's columns, of the items', of both, side by
/// side or not, in any order, with outputs of the level before between them. The first 9 of 23 inputs are the user's.
/// Task 2's tower reads x alone.
converter::TrainedModel parts_description(std::size_t top_k, std::uint64_t seed = 1);
/// feature_description() whose experts and gates read some of the features.
converter::TrainedModel feature_parts_description(std::uint64_t seed = 1);
/// Every kind of node, before, between and behind two levels; experts, gates and towers that read them. The first 9 of
/// 23 inputs are the user's. Task 2's tower needs nodes alone.
converter::TrainedModel node_description(std::size_t top_k, std::uint64_t seed = 1);
/// feature_description() with nodes over features, in another order than the file has them.
converter::TrainedModel feature_node_description(std::uint64_t seed = 1);
/// An item of three columns that attends to the user's `length` elements of three, and their masks, by softmax.
converter::TrainedModel history_description(std::size_t length);
/// sequence_description() whose user's sequences are kept, and attended to by the item's features: with a softmax, with
/// a mask alone, and without one, behind Dice.
converter::TrainedModel attention_description(std::uint64_t seed = 1);
/// Dense and sparse features of all sides and unknown rules in front of an MMoE.
converter::TrainedModel feature_description(std::uint64_t seed = 1);

/// Sequences of both sides, kinds of pooling and unknown rules, among other features.
converter::TrainedModel sequence_description(std::uint64_t seed = 1);
/// Numbers that pass a function: log, log1p, log10, sqrt, abs, power (0.37) and signed_log1p, each with a feature of
/// its name, is_missing of sqrt's raw data, yeo_johnson (-0.4), box_cox (0) and points. The user has the first three.
converter::TrainedModel function_description(std::uint64_t seed = 1);
/// Numbers in bins: age (bounds 18, 25.5 and 0.1 of float, the upper side), price (of double, the lower side, ids from
/// 2, NaN is id 1) and steps (a sequence).
converter::TrainedModel binned_description(std::uint64_t seed = 1);
/// Hashed categories: city (FarmHash of texts, "" is masked), shop (Murmur3 of 32 bits, floored), words (a sequence;
/// CRC-32) and user (XXH64 of 64 bits with a seed, absolute).
converter::TrainedModel hashed_description(std::uint64_t seed = 1);
/// price, tags (user; a weighted mean of at most 3), words (item; a weighted sum of 4, padding id 0), seen (item; a
/// weighted sqrtn of 2), clicks (user; sqrtn of 2 without weights).
converter::TrainedModel weighted_description(std::uint64_t seed = 1);
/// place (city x hour, text and integer, unknown ones have id 0), pair (two texts, refused where one is missing).
converter::TrainedModel crossed_description(std::uint64_t seed = 1);

/// word (keys "a", "b", ids 3, 4; else one of 3 buckets, as Keras hashes; "" is masked, zeros), number (7, -3, ids 3,
/// 4; else floored of 3), pair (the joined texts "ua_ia", "ub_ia" of two columns, ids 2, 3; else id 1; an empty one is
/// missing, id 0), salted (SipHash with Keras's salt, 10 buckets) and tag (a joined text, std::hash of libstdc++, 100).
converter::TrainedModel unknown_buckets_description(std::uint64_t seed = 1);
/// Parts of dates: minute, hour, day_of_week, day and month (ids from 1) of seconds; hour in milliseconds, an hour and
/// a half west of Greenwich.
converter::TrainedModel date_description(std::uint64_t seed = 1);

struct NamedModel {
  std::string name;
  converter::TrainedModel description;
};
/// One of each.
std::vector<NamedModel> all_models(std::uint64_t seed = 1);

/// The converted and checked file.
AlignedBytes model_file(const converter::TrainedModel& description, std::size_t golden_rows = 4,
                        const converter::NumberOptions& numbers = {});

/// Stored numbers of which each type of weights and of tables is in one at least.
std::vector<converter::NumberOptions> all_numbers();

/// Writes the header's checksum anew: what was changed then loads like what a converter wrote.
void seal(const AlignedBytes& file);

/// Loads it; throws std::runtime_error with the error's message.
Model load(const AlignedBytes& file);

}  // namespace mmoe::test
