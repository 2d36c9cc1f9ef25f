// Activations and links in the form that the file has for them.
#pragma once

#include "converter/lowering/lowered.h"
#include "converter/model/model.h"

namespace mmoe::converter {

/// With numbers that are finite: softplus with its sharpness, clamp with the largest floats for bounds it does not
/// have.
Activation lowered(Activation activation);

/// Moves the tasks that are no output to model.auxiliary and numbers all factors anew. What an auxiliary product reads
/// becomes auxiliary too, an output a second time. Throws ConvertError when there are more than 64 of both.
void lower_links(LoweredModel& model);

}  // namespace mmoe::converter
