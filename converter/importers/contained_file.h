// Files that a model names: only those in its own folder or below.
#pragma once

#include <memory>
#include <string>

#include "converter/importers/mapped_file.h"

namespace mmoe::converter {

/// What messages call things.
struct ContainedWords {
  const char* content = "its elements";
  const char* owner = "the model";
};

/// Maps the file `location` in the folder of `model_path`. A model must not make the converter read any file of the
/// machine: absolute paths, "..", links that lead out of the folder, and what is no regular file (a device, a pipe) are
/// refused; the path is opened part by part without following links, so that none can be put in place meanwhile. Throws
/// ConvertError, which names the file.
std::unique_ptr<MappedFile> map_contained_file(const std::filesystem::path& model_path, const std::string& location,
                                               const ContainedWords& words = {});

}  // namespace mmoe::converter
