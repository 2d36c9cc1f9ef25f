// The dictionary of tensors among those of a pickled checkpoint.
#pragma once

#include <string_view>

#include "converter/importers/pickle.h"

namespace mmoe::converter {

using IsTensor = bool(const PickleValues& values, PickleRef ref);

/// The dictionary that holds tensors, `root` or one inside it. When several do, one called state_dict,
/// model_state_dict, model, net or weights is preferred, nearest to the root; an optimizer's state is never meant.
/// Throws ConvertError, without the file's name; `expected` is the end of the message when there is none.
PickleRef find_dict_of(const PickleValues& values, PickleRef root, IsTensor* is_tensor, std::string_view expected);

}  // namespace mmoe::converter
