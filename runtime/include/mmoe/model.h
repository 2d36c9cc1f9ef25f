// A model: a .mmoe file, mapped and verified.
//
// A Model is immutable. Any number of threads and sessions may share it. It must outlive them, but it may be moved,
// since they hold the address of the file's bytes. Weights are used in the mapping of the file. Only the header is
// copied.
//
// Replace a model file by rename, as mmoe-convert and `mv` do. Do not write to a mapped file in place and do not
// truncate it (`cp new.mmoe ranker.mmoe`): reading bytes that no longer exist ends the process (SIGBUS), and scores
// would mix two models. For files that others may overwrite, use LoadOptions::copy.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <type_traits>

#include "mmoe/error.h"

namespace mmoe {

namespace internal {
struct ModelAccess;
}

inline namespace v0_1 {

/// Options of loading a model.
struct LoadOptions {
  /// Compare the header, which says what the model computes, with its checksum. This takes microseconds. Weights,
  /// embeddings and vocabularies are compared by verify_checksums only.
  bool verify_header = true;
  /// Compare every byte with the checksums that the converter wrote. This reads the whole file.
  bool verify_checksums = false;
  /// Model::from_bytes: copy bytes that are not aligned to Model::kAlignment (one allocation of their size)
  /// instead of refusing them.
  bool copy_if_misaligned = false;
  /// The model owns a copy of all bytes (one allocation of their size). Model::map() reads the file instead of
  /// mapping it. Later changes of the file or the bytes have no effect.
  bool copy = false;
};

/// What kind of values a feature has; FeatureInfo explains them.
enum class FeatureKind : std::uint8_t { kDense, kSparse, kSequence };

/// What a feature describes. User and context features have the same value for all candidates of a request.
enum class Side : std::uint8_t { kContext, kUser, kItem };

/// Which inputs a call brings. The user part is the user and context features in the model's order, and their columns
/// of x one after the other; the candidate part is the item features likewise. A model without features has the user
/// part in the first columns of x.
enum class Part : std::uint8_t { kWhole, kUser, kCandidate };

/// A raw feature. Dense: numbers. Sparse: a category, which is looked up in an embedding table. Sequence: several
/// categories of one vocabulary, whose embeddings are pooled.
struct FeatureInfo {
  std::string_view name;     ///< no two features have the same
  std::string_view source;   ///< the raw data's column: the name, unless several features read one column
  FeatureKind kind;          ///< what a row has for it
  Side side;                 ///< the user's, the item's, or the context's
  std::size_t column;        ///< first column in x: the features before it in the model's order take those before it
  std::size_t width;         ///< columns in x; for Dense also the number of raw values
  bool string_values;        ///< Sparse, Sequence: the vocabulary holds strings, else integers
  std::size_t num_values;    ///< Sparse, Sequence: size of the vocabulary; number of buckets or bins
  std::size_t num_ids;       ///< Sparse, Sequence: rows of the embedding table
  bool refuses_unknown;      ///< Sparse, Sequence: find_id() of a value not in the vocabulary is an error
  bool refuses_missing;      ///< Dense: no value stands for a missing (NaN) one
  std::size_t length;        ///< ids per row: Sparse 1, Sequence the most that it may have, Dense 0
  bool hashed;               ///< Sparse, Sequence: a value's id is a bucket of its hash; integers are values too, in
                             ///< decimal, where string_values says that texts are
  bool number_values;        ///< Sparse, Sequence: a value is a number, which find_bin() puts between bounds
  std::string_view weights;  ///< Sequence: the raw data's column of the elements' weights; empty: they have none
  std::size_t num_parts;  ///< Sparse: values of a row that make one category: 1, but for a cross, whose id Rows finds
};

/// A category of a vocabulary, and its id.
struct Category {
  std::string_view text;  ///< FeatureInfo::string_values; not terminated
  std::int64_t integer;   ///< of another vocabulary, else 0
  bool is_unsigned;       ///< `integer` is the bits of an unsigned integer
  std::int32_t id;        ///< as find_id() finds it; kUnknownId: the file is damaged there
};

/// Rows with known scores that the converter stored in the file.
struct GoldenRows {
  std::size_t num_rows;     ///< 0: the file has none
  const float* values;      ///< with features [num_rows, sum of Dense widths and of the lengths of Sequences with
                            ///< weights], else x [num_rows, input_dim]
  const std::int32_t* ids;  ///< [num_rows, sum of the features' lengths]; -1 is unknown, -2 no element
  const float* scores;      ///< [num_rows, num_tasks]
  std::size_t num_values;   ///< columns of values
  std::size_t num_ids;      ///< columns of ids
  bool has_features;        ///< what values and ids are
};

/// A model file, mapped and verified. Movable, not copyable.
class Model {
 public:
  /// The address of bytes passed to from_bytes() must be a multiple of this.
  static constexpr std::size_t kAlignment = 64;

  /// Id of a category that is not in the vocabulary. score() applies the rule of the feature.
  static constexpr std::int32_t kUnknownId = -1;

  /// Follows the last element of a sequence, up to the length of the feature.
  static constexpr std::int32_t kNoElement = -2;

  /// Maps the file read-only, the header in memory of its own, and verifies the file's length and structure: every
  /// index, size and offset, not the weights' values. Errors: kIo, kNotAModel, kNewerVersion, kDamaged, kUnsupported;
  /// kChecksum as the options say; kOutOfMemory for the copy.
  static Result<Model> map(const char* path, const LoadOptions& options = {});

  /// The same for a file that is already in memory. The bytes must stay, unchanged, as long as the Model.
  /// `size` is the file's, exactly. Also: kMisaligned when data is not a multiple of kAlignment.
  static Result<Model> from_bytes(const void* data, std::size_t size, const LoadOptions& options = {});

  Model(Model&& other) noexcept;
  Model& operator=(Model&& other) noexcept;
  ~Model();

  /// In the file; may be empty.
  std::string_view name() const;
  /// For example "MMoE", "Shared-Bottom" or "CGC".
  std::string_view architecture() const;

  /// Columns of x, which are the features' in the model's order.
  std::size_t input_dim() const;
  /// Columns of x that are the same for all candidates of a request (those of Part::kUser): what Session::set_user()
  /// takes. 0: the model does not tell a user's inputs from a candidate's.
  std::size_t user_dim() const;
  /// The other columns of x (those of Part::kCandidate): what each candidate brings. 0 also where user_dim() is 0.
  std::size_t candidate_dim() const;
  /// Tasks that have a score: columns of the output.
  std::size_t num_tasks() const;
  /// No two tasks have the same. REQUIRES: task < num_tasks().
  std::string_view task_name(std::size_t task) const;
  /// num_tasks() when there is none of that name.
  std::size_t find_task(std::string_view name) const;

  /// 0 when the model takes x alone. Features are in the order of the model's description, which is the training
  /// code's.
  std::size_t num_features() const;
  /// REQUIRES: index < num_features(). Takes time in proportion to the index.
  FeatureInfo feature(std::size_t index) const;
  /// The raw data's column of each part of a cross, for Rows a value in this order.
  /// REQUIRES: part < feature(index).num_parts, which is above 1.
  std::string_view crossed_column(std::size_t index, std::size_t part) const;
  /// num_features() when there is none of that name.
  std::size_t find_feature(std::string_view name) const;

  /// The id of a category for FeatureColumn::ids, or kUnknownId. No allocation; a hash, and the few keys that share it.
  /// REQUIRES: feature(index) is Sparse or a Sequence, with string_values or without as the call says; an integer may
  /// also be one of a hashed feature. Of a cross there is no id of one value: kUnknownId.
  std::int32_t find_id(std::size_t index, std::string_view value) const;
  /// Of an integer of any type, as the number that it is: -1 is not 2^64 - 1.
  template <class Integer, std::enable_if_t<std::is_integral_v<Integer>, int> = 0>
  std::int32_t find_id(std::size_t index, Integer value) const {
    return find_integer(index, static_cast<std::int64_t>(value), std::is_unsigned_v<Integer>);
  }

  /// The id of the bin that a number is in; kUnknownId for NaN, and where feature(index) has no number_values.
  /// REQUIRES: feature(index) is Sparse or a Sequence.
  std::int32_t find_bin(std::size_t index, double value) const;

  /// How many categories the vocabulary lists: FeatureInfo::num_values, but 0 of a Dense feature, and where ids are
  /// buckets of a hash, bins or parts of a date. REQUIRES: index < num_features().
  std::size_t num_categories(std::size_t index) const;
  /// One of them, for a menu. Their order means nothing; sort them by id.
  /// REQUIRES: place < num_categories(index).
  Category category(std::size_t index, std::size_t place) const;

  /// Owned by the model. See also replay_golden().
  GoldenRows golden_rows() const;

  /// The whole file.
  const void* data() const { return data_; }
  std::size_t size_bytes() const { return size_; }  ///< of the whole file

  /// Compares every segment and the header with their checksums. Error: kChecksum, naming the segment.
  Status verify_checksums() const;

 private:
  std::int32_t find_integer(std::size_t index, std::int64_t value, bool is_unsigned) const;
  friend struct internal::ModelAccess;
  enum class Ownership : std::uint8_t { kBorrowed, kMapped, kAllocated };

  Model(const void* data, std::size_t size, Ownership ownership, void* file = nullptr)
      : data_(data), size_(size), file_(file), ownership_(ownership) {}
  void release();

  const void* data_;
  std::size_t size_;
  void* file_;  ///< of a mapping on Windows
  Ownership ownership_;
};

}  // namespace v0_1
}  // namespace mmoe
