// The words for the file's enumerations are those of the description.
#include "runtime/tools/model/schema_names.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <string>

#include "converter/reading/activations.h"

namespace mmoe::tools {
namespace {

TEST_CASE("every activation of the file has a name that a description may have") {
  const std::vector<std::string> names = converter::activation_names();
  for (int i = 0; i <= schema::ActivationKind_MAX; ++i) {
    const std::string name = name_of(static_cast<schema::ActivationKind>(i));
    CAPTURE(name);
    CHECK(std::find(names.begin(), names.end(), name) != names.end());
  }
  CHECK(std::string(name_of(schema::ActivationKind_Identity)) == "linear");
  CHECK(std::string(name_of(schema::ActivationKind_PRelu)) == "prelu");
  CHECK(std::string(name_of(schema::ActivationKind_LogSigmoid)) == "log_sigmoid");
  CHECK(std::string(name_of(schema::ActivationKind_ScaledSoftplus)) == "softplus");
  CHECK(std::string(name_of(static_cast<schema::ActivationKind>(schema::ActivationKind_MAX + 1))) == "unknown");
}

}  // namespace
}  // namespace mmoe::tools
