// From a description file and the weights it describes to the intermediate representation.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "converter/error.h"
#include "converter/importers/weight_source.h"
#include "converter/model/model.h"
#include "converter/reading/vocabulary_keys.h"

namespace mmoe::converter {

/// What the person who runs the converter should see though nothing is wrong.
struct BindReport {
  std::vector<std::string> notes;
  std::vector<std::string> warnings;        ///< the same, but to be seen even by who asked for silence
  std::vector<std::string> unused_tensors;  ///< "name [shape]"; only with UnusedTensors::kReport
};

/// What becomes of tensors that the description neither uses nor names in `ignore`. Training state (is_training_state)
/// is never among them.
enum class UnusedTensors {
  kRefuse,  ///< an error that lists them: a part of the model may be missing
  kReport   ///< they are in BindReport::unused_tensors, for a caller who warns of each
};

/// Tensors that the description does not account for.
struct UnusedTensorsError : ConvertError {
  using ConvertError::ConvertError;
};

/// Binds a description (DESCRIPTION.md) to weights. `default_name` names the model where the description does not.
/// Throws ConvertError for JSON that is not a description, and for weights that do not fit it: the tensor or
/// field, what was found and what was expected. The result satisfies every invariant of TrainedModel and the
/// limits of the file format (limits.h), and all its weights are finite; embedding tables say so when their rows are
/// read, which is from `weights`: it must outlive the result. `report` may be null; `open` gives the files that the
/// description names, and may be empty.
TrainedModel bind_description(const nlohmann::json& description, const WeightSource& weights,
                              const std::string& default_name, BindReport* report = nullptr,
                              UnusedTensors unused = UnusedTensors::kRefuse, const OpenFile& open = {});

/// The same from the file's text.
TrainedModel bind_description_text(std::string_view text, const WeightSource& weights, const std::string& default_name,
                                   BindReport* report = nullptr, UnusedTensors unused = UnusedTensors::kRefuse,
                                   const OpenFile& open = {});

}  // namespace mmoe::converter
