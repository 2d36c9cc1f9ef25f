#include "runtime/tools/model/map_model.h"

#include <utility>

#include "runtime/tools/support/error.h"
#include "runtime/tools/support/input_files.h"

namespace mmoe::tools {

Model map_model(const std::string& path, const LoadOptions& options) {
  note_input(path);
  Result<Model> model = Model::map(path.c_str(), options);
  if (!model) throw ToolError(model.error().message());
  return std::move(*model);
}

}  // namespace mmoe::tools
