// x and the features, out of the graph's inputs.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "converter/recognise/chains.h"

namespace mmoe::converter {

/// Where each number that the layers read lies in x. x has the graph's inputs side by side in their order, a column of
/// ids as its embedding. A graph that reads one input of floats and no ids is a model without features.
class ModelInputs {
 public:
  ModelInputs(const OnnxGraph& graph, const Expressions& expressions, const Chains& chains)
      : graph_(graph), expressions_(expressions), chains_(chains) {}

  /// Learns what a layer reads. All of it must be added before finish().
  void add(const Vector& vector);
  /// Fills the model's features, embeddings and input_dim; notes the inputs that nothing reads.
  void finish(TrainedModel& model, std::vector<std::string>& notes);
  /// Makes the layer, which reads `vector`, read x: its columns go where x has them. Inputs that x lists in another
  /// order are summed in that order.
  void read_x(const Vector& vector, DenseLayer& layer) const;
  /// Where in x such a number lies. REQUIRES: it was added.
  size_t column_of(Ref ref) const;

 private:
  using Column = std::pair<size_t, uint32_t>;      // of an input of the graph
  using Field = std::pair<const Matrix*, size_t>;  // a table and where the field begins in it

  struct Lookup {
    Ref input;         // of the graph: the id
    size_t begin = 0;  // the row of the table that id 0 is
  };

  size_t width(size_t input) const;
  Lookup lookup_of(const Expression& embedding) const;
  size_t end_of_field(const Expression& embedding, size_t begin) const;
  void check_assumed_ids() const;
  void count_zeros(Ref at, const DenseLayer& layer) const;
  void add_dense(size_t input, TrainedModel& model);
  void add_columns(size_t input, TrainedModel& model);
  size_t embedding_index(const Expression& row, size_t begin, size_t end, const std::string& name, TrainedModel& model);
  size_t place_of_pooled(const Expression& pooled) const;
  void add_pooled(const Expression& pooled, Ref at);
  void add_sequence(size_t input, size_t place, TrainedModel& model);
  size_t add_sequence(size_t input, size_t place, const Expression& pooled, TrainedModel& model);
  void add_looked_up(size_t input, TrainedModel& model);
  std::optional<size_t> place_of_kept(size_t input, const Expression& embedding) const;
  Field field_of(const Expression& embedding) const { return {embedding.weight.get(), lookup_of(embedding).begin}; }
  void add_categorical(Column column, Ref lookup, const std::string& name, TrainedModel& model);
  void add_numbers(Column column, const std::string& name, TrainedModel& model);
  const Scaling& scaling_of(Ref number) const { return expressions_.of(number).scalings[number.column]; }
  size_t place_of_number(Column column, const Scaling& scaling) const;

  const OnnxGraph& graph_;
  const Expressions& expressions_;
  const Chains& chains_;
  std::set<size_t> inputs_;                                // that are read
  std::set<Column> values_;                                // read as floats
  std::map<Column, std::vector<Scaling>> numbers_;         // the same behind a function
  std::map<Column, std::vector<Ref>> lookups_;             // read as ids: the first number of an embedding each
  std::map<size_t, std::vector<Ref>> pooled_;              // inputs that are sequences: what they are pooled to
  std::map<std::pair<size_t, size_t>, size_t> pooled_at_;  // where in x, of an input and a place in its list
  std::map<Column, size_t> value_at_;                      // where in x
  std::map<std::pair<Column, size_t>, size_t> number_at_;  // where in x, of a place in its list
  std::map<std::pair<Column, Field>, size_t> lookup_at_;   // where in x
  std::map<Field, size_t> embeddings_;
  size_t input_dim_ = 0;
  mutable size_t zeros_ = 0, zeros_allowed_ = 0;  // in the weights of layers that read x
};

}  // namespace mmoe::converter
