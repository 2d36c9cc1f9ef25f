// What a conversion says of the model, and of what was compared, in lines of text.
#pragma once

#include <ostream>
#include <string>
#include <vector>

#include "converter/interpretation/interpretation.h"
#include "converter/program/convert.h"
#include "converter/proof/prove.h"

namespace mmoe::converter {

void print_notes(std::ostream& out, const std::vector<std::string>& notes);

/// The model's name, architecture and sizes, and the order of its features.
void print_model(std::ostream& out, const TrainedModel& model, const ConvertReport& converted);

/// The file against the description; whether the description is right, this cannot tell.
void print_check(std::ostream& out, const CheckReport& check);

/// The file against the graph that it was made of. Nothing where there is none.
void print_proof(std::ostream& out, const OnnxGraph* graph, const ProofReport& report);

/// What is to be seen even by who asked for silence: a model may be incomplete.
std::vector<std::string> describe_warnings(const Interpretation& interpretation, const BindReport& bound);

}  // namespace mmoe::converter
