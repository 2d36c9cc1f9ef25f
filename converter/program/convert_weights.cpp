#include "converter/program/convert_weights.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

#include <filesystem>
#include <optional>
#include <sstream>

#include "converter/check/score_rows.h"
#include "converter/error.h"
#include "converter/importers/left_out.h"
#include "converter/importers/open_weights.h"
#include "converter/interpretation/interpretation.h"
#include "converter/program/given_numbers.h"
#include "converter/program/hash_file.h"
#include "converter/program/number_summary.h"
#include "converter/program/search_summary.h"
#include "converter/program/summary.h"
#include "converter/search/patterns.h"
#include "converter/search/search.h"
#include "runtime/tools/support/printable.h"

namespace mmoe::converter {
namespace {

namespace fs = std::filesystem;

OpenedWeights open(const WeightsRequest& request) {
  return request.bytes.data() ? parse_weights(request.path, request.bytes) : open_weights(request.path);
}

Interpretation interpret(const OpenedWeights& weights, const WeightsRequest& request) {
  return interpret(*weights, weights.graph(), {request.path, request.description, request.recipe});
}

ProvenanceInfo provenance_of(const WeightsRequest& request, const std::string& description) {
  const uint64_t weights_hash =
      request.bytes.data() ? XXH64(request.bytes.data(), request.bytes.size(), 0) : hash_file(request.path);
  return {fs::path(request.path).filename().string(), weights_hash, XXH64(description.data(), description.size(), 0)};
}

ConvertOptions options_of(const WeightsRequest& request) {
  ConvertOptions options = request.options;
  if (request.rows.empty()) return options;
  options.rows_file = fs::path(request.rows).filename().string();
  options.measure = [&request](std::string_view file, std::string_view f32_file, ScoreDifferences& differences) {
    add_rows(file, f32_file, request.rows, request.labels, differences);
  };
  return options;
}

std::optional<SearchResult> find_types(const WeightsRequest& request, const ProvenanceInfo& provenance,
                                       TrainedModel& model) {
  if (!request.quantize) return std::nullopt;
  if (request.rows.empty()) throw ConvertError("quantize: no rows: what smaller numbers do is measured on rows");
  TrialOptions options;
  options.rows_path = request.rows;
  options.labels = request.labels;
  options.budget = parse_budget(request.budget);
  options.num_golden_rows = request.options.num_golden_rows;
  options.golden_seed = request.options.golden_seed;
  options.measure_times = options.budget.time.has_value();
  const SearchResult found = search(model, provenance, options);
  apply(found.parts, found.choice().choice, model);
  return found;
}

void print_lines(std::ostream& out, const std::vector<std::string>& lines) {
  for (const std::string& line : lines) out << tools::printable(line) << '\n';
}

ProofReport prove_file([[maybe_unused]] const OnnxGraph* graph, [[maybe_unused]] const TrainedModel& model,
                       [[maybe_unused]] std::string_view f32_file, [[maybe_unused]] uint64_t seed,
                       [[maybe_unused]] Method method) {
  if constexpr (kReadsOnnx) {
    const Features features = method == Method::kGraph ? Features::kOfGraph : Features::kOfDescription;
    if (graph != nullptr) return prove(*graph, model, f32_file, seed, features);
  }
  return {};
}

}  // namespace

ConvertedWeights convert_weights(const WeightsRequest& request) {
  const OpenedWeights weights = open(request);
  const Interpretation interpretation = interpret(weights, request);
  const std::string name = request.name.empty() ? fs::path(request.path).stem().string() : request.name;
  BindReport bound;
  TrainedModel model = read_model(*weights, weights.graph(), interpretation, name, bound);
  apply_numbers(request.numbers, model);
  const ProvenanceInfo provenance = provenance_of(request, interpretation.description);
  const std::optional<SearchResult> found = find_types(request, provenance, model);
  MemorySink sink, f32_sink;
  ConvertedWeights result;
  result.report = convert(model, provenance, options_of(request), sink, f32_sink);
  const std::string_view f32_file = result.report.is_f32 ? sink.view() : f32_sink.view();
  result.has_graph = weights.graph() != nullptr;
  result.proof = prove_file(weights.graph(), model, f32_file, request.options.golden_seed, interpretation.method);
  result.warnings = describe_warnings(interpretation, bound);
  std::ostringstream out;
  print_notes(out, bound.notes);
  print_model(out, model, result.report);
  if (found) print_lines(out, describe_search(*found));
  if (found) result.numbers = numbers_json(model);
  print_lines(out, describe_numbers(result.report, model.output_names()));
  print_check(out, result.report.check);
  print_proof(out, weights.graph(), result.proof);
  result.summary = out.str();
  result.file = sink.take();
  return result;
}

std::string description_of(const WeightsRequest& request) {
  const OpenedWeights weights = open(request);
  const Interpretation interpretation = interpret(weights, request);
  if (interpretation.method == Method::kGraph) {
    throw ConvertError(request.path +
                       ": an ONNX model is recognised by its graph, so there is no description to print");
  }
  return interpretation.description;
}

}  // namespace mmoe::converter
