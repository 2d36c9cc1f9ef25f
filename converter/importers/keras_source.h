// Weights that Keras saved, in HDF5 files and .keras archives.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "converter/importers/weight_source.h"

namespace mmoe::converter {

inline bool looks_like_hdf5(std::string_view bytes) { return bytes.substr(0, 8) == "\x89HDF\r\n\x1a\n"; }

/// model.save("x.h5"), save_weights("x.h5"), save_weights("x.weights.h5"), or any HDF5 file with datasets of floats;
/// names as in keras_names.h. The HDF5 library runs in a child process, which copies the tensors to a scratch file
/// (scratch_file.h): its memory (1 GiB), the copy's size (expansion.h) and time are bounded. Errors begin with `name`.
/// `config`: the model's own description, JSON, where it lies beside the file; `vocabularies`: those of its lookups, by
/// "string_lookup", "string_lookup_1", ... in the order of the layers of a kind. Throws ConvertError.
std::unique_ptr<WeightSource> open_keras_h5(std::string name, std::string_view bytes, const std::string& config = "",
                                            const std::map<std::string, std::string>& vocabularies = {});

/// model.save("x.keras"): a zip archive of model.weights.h5, config.json and vocabularies.
std::unique_ptr<WeightSource> open_keras_archive(std::string name, std::string_view bytes);

}  // namespace mmoe::converter
