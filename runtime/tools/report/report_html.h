// A report as one HTML file that needs nothing else: no script, no other file, no network; light or dark as the
// reader's system is.
#pragma once

#include <string>

#include "runtime/tools/report/report.h"

namespace mmoe::tools {

std::string report_html(const Report& report);

}  // namespace mmoe::tools
