#include "converter/importers/easyrec_config.h"

#include <google/protobuf/io/tokenizer.h>
#include <google/protobuf/text_format.h>
#include <google/protobuf/util/json_util.h>

#include "converter/error.h"
#include "converter/importers/messages.h"
#include "easyrec.pb.h"

namespace mmoe::converter {

namespace {

/// The first error. A field that is not known is a warning of the library, which names the message that lacks it.
class FirstError : public google::protobuf::io::ErrorCollector {
 public:
#if GOOGLE_PROTOBUF_VERSION >= 4022000
  void RecordError(int line, int /*column*/, absl::string_view message) override { add(line, std::string(message)); }
  void RecordWarning(int line, int /*column*/, absl::string_view message) override {
    add_if_of_feature(line, std::string(message));
  }
#else
  void AddError(int line, int /*column*/, const std::string& message) override { add(line, message); }
  void AddWarning(int line, int /*column*/, const std::string& message) override { add_if_of_feature(line, message); }
#endif

  const std::string& text() const { return text_; }

 private:
  void add(int line, const std::string& message) {
    if (text_.empty()) text_ = "line " + std::to_string(line + 1) + ": " + in_quotes(message);
  }

  void add_if_of_feature(int line, const std::string& message) {
    for (const char* kind : {"IdFeature", "RawFeature", "ComboFeature", "SequenceFeature", "FeatureConfig"}) {
      if (message.find("\"mmoe.easyrec." + std::string(kind) + "\"") != std::string::npos) add(line, message);
    }
  }

  std::string text_;
};

}  // namespace

std::string read_easyrec_config(std::string_view text) {
  easyrec::Pipeline pipeline;
  FirstError errors;
  google::protobuf::TextFormat::Parser parser;
  parser.AllowUnknownField(true);
  parser.SetRecursionLimit(50);
  parser.RecordErrorsTo(&errors);
  const bool parsed = parser.ParseFromString(std::string(text), &pipeline);
  if (!errors.text().empty()) throw ConvertError(errors.text());
  if (!parsed) throw ConvertError("no text of a pipeline configuration");
  google::protobuf::util::JsonPrintOptions options;
  options.preserve_proto_field_names = true;
  std::string json;
  if (!google::protobuf::util::MessageToJsonString(pipeline, &json, options).ok()) {
    throw ConvertError("a text of the configuration is not UTF-8");
  }
  return json;
}

}  // namespace mmoe::converter
