// Enumerations that exist more than once are alike: the file's values are cast to the kernels' and to those
// of the public headers. A value that is new to one of them and not to the others does not compile.
#include "kernels/activations.h"
#include "kernels/kernels.h"
#include "kernels/number_functions.h"
#include "mmoe/model.h"
#include "model/access.h"

namespace mmoe {
namespace {

constexpr bool same(int a, int b) { return a == b; }

#define MMOE_SAME(file, other, name)                                                                \
  static_assert(same(schema::file##_##name, static_cast<int>(other::k##name)), #file " and " #other \
                                                                                     " differ "     \
                                                                                     "in " #name)

#define MMOE_SAME_ACTIVATION(name) MMOE_SAME(ActivationKind, kernels::Activation, name);
MMOE_ACTIVATIONS(MMOE_SAME_ACTIVATION, MMOE_SAME_ACTIVATION)
#undef MMOE_SAME_ACTIVATION
static_assert(!internal::kHasExtras || schema::ActivationKind_MAX + 1 == static_cast<int>(kernels::kNumActivations));

MMOE_SAME(Pooling, kernels::Pooling, Sum);
MMOE_SAME(Pooling, kernels::Pooling, Mean);
MMOE_SAME(Pooling, kernels::Pooling, Max);
MMOE_SAME(Pooling, kernels::Pooling, SqrtN);
static_assert(schema::Pooling_MAX == schema::Pooling_WeightedSqrtN);

MMOE_SAME(NumberFunction, kernels::NumberFunction, Identity);
MMOE_SAME(NumberFunction, kernels::NumberFunction, Log);
MMOE_SAME(NumberFunction, kernels::NumberFunction, Log1p);
MMOE_SAME(NumberFunction, kernels::NumberFunction, Log10);
MMOE_SAME(NumberFunction, kernels::NumberFunction, Sqrt);
MMOE_SAME(NumberFunction, kernels::NumberFunction, Abs);
MMOE_SAME(NumberFunction, kernels::NumberFunction, Power);
MMOE_SAME(NumberFunction, kernels::NumberFunction, SignedLog1p);
MMOE_SAME(NumberFunction, kernels::NumberFunction, IsMissing);
MMOE_SAME(NumberFunction, kernels::NumberFunction, YeoJohnson);
MMOE_SAME(NumberFunction, kernels::NumberFunction, BoxCox);
MMOE_SAME(NumberFunction, kernels::NumberFunction, Points);
MMOE_SAME(NumberFunction, kernels::NumberFunction, NormalPoints);
static_assert(schema::NumberFunction_MAX == schema::NumberFunction_NormalPoints);

MMOE_SAME(FeatureKind, FeatureKind, Dense);
MMOE_SAME(FeatureKind, FeatureKind, Sparse);
MMOE_SAME(FeatureKind, FeatureKind, Sequence);
static_assert(schema::FeatureKind_MAX == schema::FeatureKind_Sequence);

MMOE_SAME(Side, Side, Context);
MMOE_SAME(Side, Side, User);
MMOE_SAME(Side, Side, Item);
static_assert(schema::Side_MAX == schema::Side_Item);

#undef MMOE_SAME

}  // namespace
}  // namespace mmoe
