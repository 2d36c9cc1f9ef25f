#include "runtime/tools/model/schema_names.h"

#include <cstddef>
#include <string>
#include <vector>

namespace mmoe::tools {
namespace {

// Tables in the order of the enumerations' values.
constexpr const char* kDTypes[] = {"f32", "f16", "bf16", "i8", "u8", "i32", "u32", "i64", "u64", "u4", "f64"};
constexpr const char* kLayouts[] = {"row_major", "panel16", "panel16_quads", "fused_rows"};
constexpr const char* kFeatureKinds[] = {"dense", "categorical", "sequence"};
constexpr const char* kSides[] = {"context", "user", "item"};
constexpr const char* kVocabularies[] = {"identity", "strings", "integers", "hash", "bins", "date"};
constexpr const char* kNumberFunctions[] = {"identity", "log",    "log1p",        "log10",      "sqrt",
                                            "abs",      "power",  "signed_log1p", "is_missing", "yeo_johnson",
                                            "box_cox",  "points", "normal_points"};
constexpr const char* kHashFunctions[] = {"farmhash64", "xxh64", "murmur3", "crc32", "murmur64", "siphash24", "value"};
constexpr const char* kHashedBytes[] = {"text", "int64", "int32", "crossed", "joined"};
constexpr const char* kDateParts[] = {"minute", "hour", "day_of_week", "day", "month"};
constexpr const char* kBoundSides[] = {"left", "right"};
constexpr const char* kBucketRules[] = {"unsigned", "absolute", "floored", "signed"};
constexpr const char* kUnknownRules[] = {"id", "zero", "error"};
constexpr const char* kNorms[] = {"batch_norm", "layer_norm"};
constexpr const char* kNormUses[] = {"before_activation", "after_activation", "dice"};
constexpr const char* kPoolings[] = {"sum",   "mean",         "max",           "none",
                                     "sqrtn", "weighted_sum", "weighted_mean", "weighted_sqrtn"};
constexpr const char* kGates[] = {"softmax", "constant", "scaled_softmax", "activated", "smooth_step"};
constexpr const char* kNodes[] = {"mlp",
                                  "sum",
                                  "product",
                                  "dot",
                                  "lower_pairs",
                                  "upper_pairs",
                                  "bi_interaction",
                                  "sum_of_groups",
                                  "sum_within_groups",
                                  "softmax",
                                  "attention",
                                  "each",
                                  "scaled_dot"};
constexpr const char* kTopKModes[] = {"softmax_of_top_k", "top_k_of_softmax"};
constexpr const char* kLinks[] = {"identity",           "sigmoid",        "softmax_column", "product",
                                  "log_softmax_column", "expected_value", "mapped"};

// A value that is appended to an enumeration must be named here: the tables' sizes are checked.
template <auto last, class Enum, std::size_t size>
const char* find(const char* const (&names)[size], Enum value) {
  static_assert(static_cast<std::size_t>(last) + 1 == size);
  const auto index = static_cast<std::size_t>(value);
  return index < size ? names[index] : "unknown";
}

// LeakyRelu -> leaky_relu, PRelu -> prelu
std::string in_snake_case(const std::string& name) {
  const auto is_upper = [](char c) { return c >= 'A' && c <= 'Z'; };
  std::string out;
  for (std::size_t i = 0; i < name.size(); ++i) {
    if (i > 0 && is_upper(name[i]) && !is_upper(name[i - 1])) out += '_';
    out += is_upper(name[i]) ? static_cast<char>(name[i] - 'A' + 'a') : name[i];
  }
  return out;
}

// Those of the schema, as a description writes them. Two have other names there.
std::vector<std::string> activation_names() {
  std::vector<std::string> names;
  for (int i = 0; i <= schema::ActivationKind_MAX; ++i) {
    const auto kind = static_cast<schema::ActivationKind>(i);
    names.push_back(kind == schema::ActivationKind_Identity ? "linear"
                    : kind == schema::ActivationKind_ScaledSoftplus
                        ? "softplus"
                        : in_snake_case(schema::EnumNameActivationKind(kind)));
  }
  return names;
}

}  // namespace

const char* name_of(schema::DType dtype) { return find<schema::DType_MAX>(kDTypes, dtype); }
const char* name_of(schema::Layout layout) { return find<schema::Layout_MAX>(kLayouts, layout); }
const char* name_of(schema::FeatureKind kind) { return find<schema::FeatureKind_MAX>(kFeatureKinds, kind); }
const char* name_of(schema::Pooling pooling) { return find<schema::Pooling_MAX>(kPoolings, pooling); }
const char* name_of(schema::Side side) { return find<schema::Side_MAX>(kSides, side); }
const char* name_of(schema::VocabularyKind kind) { return find<schema::VocabularyKind_MAX>(kVocabularies, kind); }
const char* name_of(schema::NumberFunction function) {
  return find<schema::NumberFunction_MAX>(kNumberFunctions, function);
}
const char* name_of(schema::HashFunction function) { return find<schema::HashFunction_MAX>(kHashFunctions, function); }
const char* name_of(schema::HashedBytes bytes) { return find<schema::HashedBytes_MAX>(kHashedBytes, bytes); }
const char* name_of(schema::BoundSide side) { return find<schema::BoundSide_MAX>(kBoundSides, side); }
const char* name_of(schema::DatePart part) { return find<schema::DatePart_MAX>(kDateParts, part); }
const char* name_of(schema::BucketRule rule) { return find<schema::BucketRule_MAX>(kBucketRules, rule); }
const char* name_of(schema::UnknownRule rule) { return find<schema::UnknownRule_MAX>(kUnknownRules, rule); }
const char* name_of(schema::ActivationKind activation) {
  static const std::vector<std::string> names = activation_names();
  const auto index = static_cast<std::size_t>(activation);
  return index < names.size() ? names[index].c_str() : "unknown";
}
const char* name_of(schema::NormKind kind) { return find<schema::NormKind_MAX>(kNorms, kind); }
const char* name_of(schema::NormUse use) { return find<schema::NormUse_MAX>(kNormUses, use); }
const char* name_of(schema::GateKind kind) { return find<schema::GateKind_MAX>(kGates, kind); }
const char* name_of(schema::NodeKind kind) { return find<schema::NodeKind_MAX>(kNodes, kind); }
const char* name_of(schema::TopKMode mode) { return find<schema::TopKMode_MAX>(kTopKModes, mode); }
const char* name_of(schema::LinkKind kind) { return find<schema::LinkKind_MAX>(kLinks, kind); }

}  // namespace mmoe::tools
