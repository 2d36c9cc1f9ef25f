// TorchEasyRec's pipeline configuration, a protobuf as text.
#pragma once

#include <string>
#include <string_view>

namespace mmoe::converter {

/// data_config, feature_configs and model_config of the pipeline, of which easyrec.proto has the fields, as JSON by the
/// fields' names. Throws ConvertError, with the line, for text that is none and for fields of features that are not in
/// easyrec.proto; what it does not have of other messages is passed over.
std::string read_easyrec_config(std::string_view text);

}  // namespace mmoe::converter
