// Sequences of ids whose embeddings are pooled: a sum, mean or maximum over all columns of one input, with or without
// those of a padding id.
#pragma once

#include <optional>

#include "converter/recognise/graph_evaluator.h"

namespace mmoe::converter {

/// 1 where an id is not the padding, else 0.
struct IdMask {
  Ref id;
  int64_t padding = 0;
};

std::optional<IdMask> mask_of(const Expressions& expressions, Ref ref);
/// Whether the scalar is 1 or 0 in every row.
bool is_truth(const Expressions& expressions, Ref ref);
/// Whether the scalar is a whole number in every row: made of such truths, or of a whole number of the graph's inputs.
bool is_whole(const Expressions& expressions, Ref ref);
/// Whether each is 1 where an id is a number and 0 where it is not, or the other way round.
bool compares_ids(const Expressions& expressions, const Vector& vector);

/// All columns of one input of the graph.
bool is_whole_input(const Expressions& expressions, const Vector& ids);

/// The sums where each is of one column of the embeddings of a whole input, all with the same coefficient: of 1 for a
/// sum, of 1 / length for a mean. A factor of (id != padding) leaves the padding out.
std::optional<TensorValue> find_pooled_sum(const NodeCall& call, const Expression& sums, const TensorValue& like);

/// The same of the largest; none may be left out.
std::optional<TensorValue> find_pooled_maximum(const NodeCall& call, const std::vector<Vector>& of_elements,
                                               const TensorValue& like);

/// The same where a constant far below stands for padding: it is the result of padding alone.
std::optional<TensorValue> find_masked_maximum(const NodeCall& call, const std::vector<Vector>& of_elements,
                                               const TensorValue& like);

/// The largest of numbers of which one id chooses one, and a constant far below stands for the others: that one.
std::optional<TensorValue> find_chosen_maximum(const NodeCall& call, const std::vector<Vector>& of_elements,
                                               const TensorValue& like);

/// Throws ConvertError for the largest of others among which such a constant may be: as max(a, b) = relu(a - b) + b
/// they would cancel out.
void require_no_masked_maximum(const Expressions& expressions, const std::vector<Vector>& of_elements);

/// Pooled sums without padding, divided by the number of ids that are not padding, which must be kept above 0.
std::optional<TensorValue> find_pooled_mean(const NodeCall& call, const TensorValue& sums, const Vector& divisors);

}  // namespace mmoe::converter
