// A resolved plan in a session's arena: a list of steps with every pointer and shape filled in, and the
// buffers they work on. Running it for a block of rows is one walk over the list.
#pragma once

#include <cstddef>
#include <cstdint>

#include "kernels/combine.h"
#include "kernels/kernels.h"
#include "kernels/number_functions.h"
#include "kernels/scaled_dot.h"
#include "mmoe/plan.h"

namespace mmoe {

namespace schema {
struct LinkMap;
}

namespace internal {

/// A row-major buffer in the arena; data null: the model's input x of the current call.
struct View {
  float* data;
  std::size_t stride;
};

/// Rows of the current block that selected a sparse expert, ascending.
struct RowList {
  std::uint32_t* rows;
  std::uint32_t count;
};

struct DenseStep {
  kernels::DenseArgs args;  ///< with reads_x, input and its stride are those of the last call
  const RowList* list;      ///< null: all rows
  float* prefix;            ///< where candidates share inputs: room for the accumulators behind these, from which each
                            ///< candidate's row goes on
  std::size_t shared;       ///< so many inputs, the first ones
  std::size_t column;       ///< with reads_x: the first one that it reads, in the program's order
  bool reads_x;
  bool alternates;  ///< the panels' order, from call to call
};

/// Lays parts of streams side by side.
struct CopyStep {
  struct Part {
    View stream;         ///< data null: x, in the program's order
    std::size_t column;  ///< the first
    std::size_t width;
  };
  const Part* parts;
  std::size_t num_parts;
  View output;
  bool whole;  ///< also the columns that candidates' rows lack: they come from Program::user
};

/// A node that is no MLP.
struct CombineStep {
  kernels::CombineArgs args;
  float* start;             ///< null: none. Of the user's groups, which compute_prefixes() fills for candidates
  std::size_t num_started;  ///< how many these are
  kernels::Activation activation;
  float alpha, beta;
};

/// How many elements an attention's layers take at a time, and how many as the last ones. Tiles have 3, 4, 6 or 8 rows.
constexpr std::size_t kElements = 12, kMaxElements = 18;

/// A product of an attention's elements, and its normalisation. It runs for one row of the block at a time, and for as
/// many of its elements as the step says then.
struct ElementsStep {
  kernels::DenseArgs dense;
  kernels::NormArgs norm;  ///< data null: none
};

/// Those elements of a sequence that have a weight, and what the keys' layer makes of them.
struct Keys {
  float* elements;                       ///< [length, element_stride]
  float* projected;                      ///< [length, stride of the first layers' outputs]
  const kernels::ExpertOutput* experts;  ///< [length] the elements, to be mixed
  std::size_t count;                     ///< how many have a weight; the others' memory is not used
};

/// Attention of a query to a sequence (schema::NodeKind_Attention).
struct AttentionStep {
  /// Elements of the next columns.
  struct Sequence {
    View stream;         ///< data null: x, in the program's order
    std::size_t column;  ///< the first element's first
    std::size_t width;   ///< columns of an element
  };
  const Sequence* sequences;
  std::size_t num_sequences;
  std::size_t length, width;  ///< of the sequence, and of an element: all columns
  std::size_t element_stride;
  View query, projected_query;  ///< by rows of the block
  Keys keys;                    ///< of a row
  Keys user;                    ///< those of a request's user, where candidates share all sequences; else null
  ElementsStep project_keys, product;
  const ElementsStep* layers;  ///< behind the first
  std::size_t num_layers;
  View weights;                    ///< [kMaxElements, 1] what the last of them gives
  float* gated;                    ///< [kMaxElements, product's input_stride] query times element, or all products
  float* logits;                   ///< [length], padded to 16; also the weights
  kernels::Activation activation;  ///< of the first layers' sum, without a normalisation
  float alpha, beta;
  bool masked, softmax;
  View output;
  std::size_t num_rows;
};

/// Layers over each group of a row's columns (schema::NodeKind_Each).
struct EachStep {
  View input;
  std::size_t length, width;  ///< of the groups
  ElementsStep* layers;
  std::size_t num_layers;
  View last;  ///< [length, outputs] what the last of them gives
  std::size_t outputs;
  View output;  ///< by rows of the block
  std::size_t num_rows;
};

/// Scaled dot-product attention (schema::NodeKind_ScaledDot).
struct ScaledDotStep {
  kernels::ScaledDotArgs args;  ///< query, keys, values, mask and output are those of the last row
  View query, keys, values, mask, output;
  std::size_t num_rows;
};

/// A node's softmax, over all of its input.
struct SoftmaxStep {
  kernels::GateArgs args;
};

/// What a node gives that reads the user's columns alone: computed once for a request.
struct UserStep {
  float* saved;  ///< [width]
  std::size_t width;
  View output;  ///< by rows of the block
  std::size_t num_rows;
};

/// A normalisation of what a dense step left in one layer's panels.
struct NormStep {
  kernels::NormArgs args;
  const RowList* list;  ///< null: all rows
};

struct GateStep {
  kernels::GateArgs args;
  kernels::ThresholdArgs threshold;  ///< counts null: none
};

/// Fills the row lists of a level's sparse experts from the gates that select.
struct SelectStep {
  struct Gate {
    const std::uint16_t* selected;  ///< [rows, max_selected] positions in the gate's list of experts
    std::size_t max_selected;
    const std::uint16_t* counts;  ///< [rows] how many are selected; null: max_selected
    RowList* const* lists;        ///< per position; null for an expert that runs on all rows
  };
  const Gate* gates;
  std::size_t num_gates;
  RowList* lists;
  std::size_t num_lists;
};

struct MixStep {
  kernels::MixArgs args;
  const float* scales;  ///< [experts of the gate] each one's weight is multiplied by it first, in place; null: not
  float* scaled;        ///< args.weights
};

/// From a tower's logits, or earlier scores, to one task's scores: the row-th of a block of `rows` is
/// Program::scores[index * rows + row].
struct LinkStep {
  std::uint8_t kind;           ///< schema::LinkKind, not Mapped
  const schema::LinkMap* map;  ///< what is done with it then; null: nothing
  std::size_t index;
  View logits;
  std::size_t num_logits;   ///< 0: Product
  std::size_t first_logit;  ///< column in Output::logits
  std::size_t column;
  const std::uint32_t* factors;  ///< Product: indices of earlier links
  std::size_t num_factors;
  float* room;               ///< Softmax, Expected: for one row of weights; LogSoftmax: for one number per row
  const float* values;       ///< Expected
  std::size_t num_sigmoids;  ///< Sigmoid: links up to this one that it finishes in one go; 0: a later one does
};

enum class StepKind : std::uint8_t {
  kDense,
  kNorm,
  kGate,
  kSelect,
  kMix,
  kLink,
  kCopy,
  kCombine,
  kSoftmax,
  kAttention,
  kEach,
  kScaledDot,
  kUser,
  kOfUser
};

struct Step {
  StepKind kind;  ///< kOfUser: it reads the user's columns alone. Candidates have from a kUser step what it leads to
  StepKind work;  ///< what it does then; else the same
  union {
    DenseStep dense;
    NormStep norm;
    GateStep gate;
    SelectStep select;
    MixStep mix;
    LinkStep link;
    CopyStep copy;
    CombineStep combine;
    SoftmaxStep softmax;
    AttentionStep* attention;  ///< large, and rare; so are those below
    EachStep* each;
    ScaledDotStep* scaled_dot;
    UserStep user;
  };
};

/// How one raw feature becomes its columns of x.
struct FeatureStep {
  bool sparse;           ///< or a sequence
  std::uint32_t length;  ///< ids per row; a sequence is what `pooled` says
  bool pooled;
  bool kept;  ///< a sequence that is not pooled
  kernels::Pooling pooling;
  bool weighted;              ///< Sequence: each element has a weight
  std::int32_t padding_id;    ///< Sequence: elements of this id are left out
  std::int32_t empty_id;      ///< Sequence: the element of a row that has none left; -1: there is none
  std::uint8_t unknown_rule;  ///< Sparse: schema::UnknownRule
  std::int32_t unknown_id;
  std::uint32_t num_ids;
  std::size_t column;  ///< in the program's order (session/x_order.h)
  std::size_t width;   ///< of x
  kernels::TableType table_type;
  const void* table;                            ///< Sparse: [num_ids, width]
  float offset, factor, lower, upper, missing;  ///< Dense
  kernels::NumberFunction function;             ///< Dense
  float exponent;
  kernels::Points points;  ///< kPoints, kNormalPoints
};

/// Columns of x that follow each other in the caller's order and in the program's.
struct ColumnRun {
  std::uint32_t column;  ///< the first one's place in the program's order
  std::uint32_t width;
};

}  // namespace internal

class Program {
 public:
  const void* file;  ///< Model::data()
  const kernels::KernelTable* kernels;
  internal::Step* steps;
  std::size_t num_steps;
  internal::FeatureStep* features;
  std::size_t num_features;
  float* weights;        ///< of these ids, where a feature has some: of a sequence's row
  std::int32_t* ids;     ///< one feature's ids with the unknown rule applied: [block_rows], or of a sequence's row
  internal::View input;  ///< encoded features, or x in the program's order: [block_rows, input_dim]
  std::size_t input_dim;
  std::size_t shared_dim;  ///< leading columns of x that are the same for all candidates of a request
  float* user;             ///< [shared_dim] columns that candidates share, where copies are whole; else null
  const internal::ColumnRun* column_runs;  ///< the caller's columns of x in its order: session/x_order.h
  std::size_t num_column_runs;             ///< 0: the program has them in the same order
  float* scores;                           ///< [links, rows of the block], padded to 16
  const std::uint32_t* requested;          ///< [requested tasks] indices of links
  std::size_t bound_rows;                  ///< the steps' arguments are for blocks of so many rows
};

}  // namespace mmoe
