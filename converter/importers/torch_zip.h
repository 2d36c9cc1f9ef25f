// What torch.save has written since PyTorch 1.6: a zip archive with a pickle, <root>/data.pkl, that refers to
// the tensors' storages, <root>/data/<key>.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "converter/importers/weight_source.h"

namespace mmoe::converter {

/// Reads the pickle (see pickle.h: nothing in it is executed) and checks every tensor of its state_dict against
/// its storage. A storage is read where it lies; the first read compares its checksum (and unpacks it, where it is
/// packed). `bytes` must outlive the source. Errors begin with `name`. Throws ConvertError.
std::unique_ptr<WeightSource> open_torch_zip(std::string name, std::string_view bytes);

}  // namespace mmoe::converter
