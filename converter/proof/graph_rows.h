// Random rows as the inputs of a graph and as the features of the description that was made for it.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "converter/check/evaluate.h"
#include "converter/model/model.h"
#include "converter/proof/reference.h"

namespace mmoe::converter {

/// Which columns of which graph input each feature is: all of the input of its name, or for "name.3" column 3; by its
/// raw column's name where no input has its own. Without features x is the one input that is read.
class GraphRows {
 public:
  class Random;

  /// Throws NotEvaluated where a feature is no input, or is not given to the graph as the file gets it. `computed`:
  /// what features make of numbers, the graph makes of them too.
  GraphRows(const OnnxGraph& graph, const TrainedModel& description, const Reference& reference, bool computed = false);

  /// Dense values of both signs and several magnitudes, ids over all of their tables, sequences with elements that
  /// repeat and with padding.
  RawRows make(size_t num_rows, uint64_t seed) const;
  /// The same rows from `first` on.
  std::map<std::string, RefTensor> inputs(const RawRows& rows, size_t first, size_t count) const;
  /// Ids that a feature's table does not have become -1, as a file's rows have them. inputs() reads them as they are.
  void hide_unknown_ids(RawRows& rows) const;
  /// The batch that the graph has fixed; 0: none.
  size_t fixed_batch() const { return fixed_batch_; }
  /// How many values and ids a row has.
  size_t width() const;

 private:
  struct Place {
    size_t input = 0, column = 0, width = 0;
    bool ids = false;
    size_t size = 0;    // of the feature's table
    size_t table = 0;   // ids are below it
    bool open = false;  // ids from there on are not refused
    bool sequence = false;
    size_t padding = 0;             // of a sequence
    bool above_zero = false;        // of numbers of which a logarithm or a root is taken, most are
    bool always_above = false;      // of which the logarithm is infinite at 0, all are
    bool missing = false;           // NaN is replaced
    std::optional<size_t> same_as;  // the place before it that has the same columns of the same input
  };

  void place_x(const Reference& reference);
  void place(const Feature& feature, bool computed);
  void place_number(const Scaling& scaling, Place& place) const;
  bool find_columns(const std::string& name, Place& place) const;
  void share(Place& place);
  static void share_ids(const Place& place, Place& first);
  void make(const Place& place, size_t row, Random& random, RawRows& rows) const;
  float make_number(const Place& place, size_t row, Random& random) const;
  std::optional<size_t> find_input(const std::string& name) const;
  size_t columns(size_t input) const;
  size_t special_id(const Place& place, uint64_t choice) const;

  const OnnxGraph& graph_;
  std::vector<size_t> single_numbers_;
  std::vector<Place> places_;  // of the features in their order; or of x
  size_t fixed_batch_ = 0;
};

}  // namespace mmoe::converter
