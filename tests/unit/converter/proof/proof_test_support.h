// A graph made by hand, through the whole conversion and the proof.
#pragma once

#include "converter/program/convert.h"
#include "converter/proof/prove.h"
#include "tests/unit/converter/recognise/graph_builder.h"

namespace mmoe::converter::testing {

/// "" when the graph is recognised and the file's scores are the graph's; else the reason.
inline std::string proof_of(const GraphBuilder& build) {
  try {
    const TrainedModel model = build.recognise();
    const ProofReport report = prove(build.graph, model, convert(model, {}).file, 5);
    return report.num_rows > 0 ? "" : "not compared: " + report.why_not;
  } catch (const ConvertError& error) {
    return error.what();
  }
}

}  // namespace mmoe::converter::testing
