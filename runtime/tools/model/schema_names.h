// The words for the file format's enumerations: those of the description file (converter/DESCRIPTION.md) where
// it has them.
#pragma once

#include "schema/mmoe_generated.h"

namespace mmoe::tools {

/// "unknown" for values that this build does not know.
const char* name_of(schema::DType dtype);
const char* name_of(schema::Layout layout);
const char* name_of(schema::FeatureKind kind);
const char* name_of(schema::Side side);
const char* name_of(schema::Pooling pooling);
const char* name_of(schema::VocabularyKind kind);
const char* name_of(schema::NumberFunction function);
const char* name_of(schema::HashFunction function);
const char* name_of(schema::HashedBytes bytes);
const char* name_of(schema::BucketRule rule);
const char* name_of(schema::BoundSide side);
const char* name_of(schema::DatePart part);
const char* name_of(schema::UnknownRule rule);
const char* name_of(schema::ActivationKind activation);
const char* name_of(schema::NormKind kind);
const char* name_of(schema::NormUse use);
const char* name_of(schema::GateKind kind);
const char* name_of(schema::NodeKind kind);
const char* name_of(schema::TopKMode mode);
const char* name_of(schema::LinkKind kind);

}  // namespace mmoe::tools
