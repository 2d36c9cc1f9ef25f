// The first layer of an attention, taken apart.
#pragma once

#include "converter/model/model.h"

namespace mmoe::converter {

/// W_q q + W_k k + W_d (q - k) + W_p (q k) + b = (W_q + W_d) q + ((W_k - W_d) k + b) + W_p (q k): the part of the
/// element does not depend on the query, and is computed once for a user. Of outer products the last part has all
/// products, and W_p is its diagonal. Nothing for nodes that are no attention. REQUIRES: batch norms are folded.
void take_apart(Node& node);

}  // namespace mmoe::converter
