// Importers that a build may leave out, since each needs a library of its own.
#pragma once

#include <string>

#include "converter/error.h"

namespace mmoe::converter {

// What this build reads: the options MMOE_IMPORT_... of libraries.cmake. What is off is not linked:
// `if constexpr` keeps the calls out.
constexpr bool kReadsHdf5 = MMOE_IMPORT_HDF5;
constexpr bool kReadsOnnx = MMOE_IMPORT_ONNX;
constexpr bool kReadsZip = MMOE_IMPORT_ZIP;
constexpr bool kReadsEasyRec = MMOE_IMPORT_EASYREC;

/// The error for a file that such a build is given. `what`: "an ONNX model"; `package`: Debian's.
[[noreturn]] inline void refuse_left_out(const std::string& name, const char* what, const char* library,
                                         const char* package, const char* option) {
  throw ConvertError(name + ": is " + what + ", which this build cannot read: it was made without " + library +
                     ". Install it (Debian: " + package + "), configure with -D" + option + "=ON, and build again");
}

}  // namespace mmoe::converter
