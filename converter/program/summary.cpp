#include "converter/program/summary.h"

#include "converter/check/feature_order.h"
#include "runtime/tools/support/printable.h"

namespace mmoe::converter {

using tools::printable;

void print_notes(std::ostream& out, const std::vector<std::string>& notes) {
  for (const std::string& note : notes) out << "note: " << printable(note) << '\n';
}

void print_model(std::ostream& out, const TrainedModel& model, const ConvertReport& converted) {
  out << "model '" << printable(model.name) << "': " << converted.architecture << ", " << model.input_dim << " inputs, "
      << model.output_names().size() << (model.output_names().size() == 1 ? " task, " : " tasks, ")
      << converted.file_bytes << " bytes\n";
  for (const std::string& line : describe_feature_order(model)) out << printable(line) << '\n';
}

void print_check(std::ostream& out, const CheckReport& check) {
  if (check.num_rows == 0) {
    out << "check: no golden rows\n";
    return;
  }
  out << "check: " << check.num_compared << " of " << check.num_scores
      << " scores of golden rows were compared with the description";
  if (check.num_compared > 0) {
    out << ": largest difference " << check.largest_difference << " (" << check.largest_share_of_bound * 100
        << " % of what float rounding allows)";
  }
  if (check.num_compared < check.num_scores) {
    out << "; the others were not compared: float rounding has no useful bound there, as behind many norms or where "
           "it may change which experts top-k gates select";
  }
  if (!check.exact_kernel_sets.empty()) {
    out << "; same bits on scalar";
    for (const std::string& kernel_set : check.exact_kernel_sets) out << ", " << kernel_set;
  }
  out << '\n';
}

void print_proof(std::ostream& out, const OnnxGraph* graph, const ProofReport& report) {
  if (report.num_rows == 0) {
    if (graph != nullptr) out << "note: not compared with the graph: " << printable(report.why_not) << '\n';
    return;
  }
  out << "proved against the graph on " << report.num_rows << " random rows"
      << (report.matched_by == "order" ? ", tasks in the order of its outputs" : "") << ": largest difference "
      << report.largest_difference << '\n';
  constexpr double kWorthSaying = 1e-5;
  if (report.largest_of_others > kWorthSaying) {
    out << "note: where float rounding may change a score by more than a hundredth, which proves nothing, the largest "
           "difference is "
        << report.largest_of_others << '\n';
  }
  if (!report.rounded_difference) return;
  out << "note: the graph rounds results to 8 bits, which is left out here and in the proof. With its rounding, its "
         "scores on these rows differ by up to "
      << *report.rounded_difference << '\n';
}

std::vector<std::string> describe_warnings(const Interpretation& interpretation, const BindReport& bound) {
  std::vector<std::string> warnings;
  for (const std::string& warning : bound.warnings) warnings.push_back(printable(warning));
  for (const std::string& tensor : bound.unused_tensors) {
    warnings.push_back("tensor " + printable(tensor) + " is not used by the recipe " + interpretation.recipe +
                       " and is left out: compare the scores with those of your framework (--rows, --expect)");
  }
  return warnings;
}

}  // namespace mmoe::converter
