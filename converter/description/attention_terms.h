// What an attention's first layer reads beside the terms that model.h names.
#pragma once

#include "converter/description/model.h"

namespace mmoe::converter {

/// The products of each number of q with each of k: q0 k0, q0 k1, ... Behind AttentionTerm's own values.
constexpr auto kOuterTerm = static_cast<AttentionTerm>(4);

}  // namespace mmoe::converter
