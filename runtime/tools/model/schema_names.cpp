#include "runtime/tools/model/schema_names.h"

#include <cstddef>

namespace mmoe::tools {
namespace {

// Tables in the order of the enumerations' values.
constexpr const char* kDTypes[] = {"f32", "f16", "bf16", "i8", "u8", "i32", "u32", "i64", "u64"};
constexpr const char* kLayouts[] = {"row_major", "panel16"};
constexpr const char* kSchemes[] = {"none", "symmetric_per_tensor", "symmetric_per_row", "affine_per_row"};
constexpr const char* kFeatureKinds[] = {"dense", "categorical", "sequence"};
constexpr const char* kSides[] = {"context", "user", "item"};
constexpr const char* kVocabularies[] = {"identity", "strings", "integers"};
constexpr const char* kUnknownRules[] = {"id", "zero", "error"};
constexpr const char* kActivations[] = {"linear", "relu",    "leaky_relu", "prelu", "elu",
                                        "selu",   "sigmoid", "tanh",       "silu",  "gelu",
                                        "gelu_tanh", "softplus", "normalized", "celu", "mish",
                                        "hard_swish", "hard_sigmoid", "clamp", "swish", "softsign",
                                        "log_sigmoid", "threshold", "squared_relu", "exp", "softplus"};
constexpr const char* kNorms[] = {"batch_norm", "layer_norm"};
constexpr const char* kNormUses[] = {"before_activation", "after_activation", "dice"};
constexpr const char* kPoolings[] = {"sum", "mean", "max"};
constexpr const char* kGates[] = {"softmax", "constant", "scaled_softmax"};
constexpr const char* kTopKModes[] = {"softmax_of_top_k", "top_k_of_softmax"};
constexpr const char* kLinks[] = {"identity", "sigmoid", "softmax_column", "product", "log_softmax_column",
                                  "expected_value", "mapped"};

// A value that is appended to an enumeration must be named here: the tables' sizes are checked.
template <auto last, class Enum, std::size_t size>
const char* find(const char* const (&names)[size], Enum value) {
  static_assert(static_cast<std::size_t>(last) + 1 == size);
  const auto index = static_cast<std::size_t>(value);
  return index < size ? names[index] : "unknown";
}

}  // namespace

const char* name_of(schema::DType dtype) { return find<schema::DType_MAX>(kDTypes, dtype); }
const char* name_of(schema::Layout layout) { return find<schema::Layout_MAX>(kLayouts, layout); }
const char* name_of(schema::QuantizationScheme scheme) {
  return find<schema::QuantizationScheme_MAX>(kSchemes, scheme);
}
const char* name_of(schema::FeatureKind kind) { return find<schema::FeatureKind_MAX>(kFeatureKinds, kind); }
const char* name_of(schema::Pooling pooling) { return find<schema::Pooling_MAX>(kPoolings, pooling); }
const char* name_of(schema::Side side) { return find<schema::Side_MAX>(kSides, side); }
const char* name_of(schema::VocabularyKind kind) { return find<schema::VocabularyKind_MAX>(kVocabularies, kind); }
const char* name_of(schema::UnknownRule rule) { return find<schema::UnknownRule_MAX>(kUnknownRules, rule); }
const char* name_of(schema::ActivationKind activation) {
  return find<schema::ActivationKind_MAX>(kActivations, activation);
}
const char* name_of(schema::NormKind kind) { return find<schema::NormKind_MAX>(kNorms, kind); }
const char* name_of(schema::NormUse use) { return find<schema::NormUse_MAX>(kNormUses, use); }
const char* name_of(schema::GateKind kind) { return find<schema::GateKind_MAX>(kGates, kind); }
const char* name_of(schema::TopKMode mode) { return find<schema::TopKMode_MAX>(kTopKModes, mode); }
const char* name_of(schema::LinkKind kind) { return find<schema::LinkKind_MAX>(kLinks, kind); }

}  // namespace mmoe::tools
