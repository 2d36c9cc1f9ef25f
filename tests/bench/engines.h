// One function per engine. Those whose library the build has not found throw Unavailable.
#pragma once

#include <memory>

#include "tests/bench/engine.h"

namespace mmoe::bench {

std::unique_ptr<Engine> make_ours(const EngineOptions& options);
std::unique_ptr<Engine> make_onnxruntime(const EngineOptions& options);
std::unique_ptr<Engine> make_pytorch(const EngineOptions& options);
std::unique_ptr<Engine> make_xnnpack(const EngineOptions& options);
std::unique_ptr<Engine> make_onednn(const EngineOptions& options);
std::unique_ptr<Engine> make_libxsmm(const EngineOptions& options);
std::unique_ptr<Engine> make_openblas(const EngineOptions& options);
std::unique_ptr<Engine> make_eigen(const EngineOptions& options);

}  // namespace mmoe::bench
