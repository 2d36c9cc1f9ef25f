// One function per engine. Those whose library the build has not found throw Unavailable.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "tests/bench/engine.h"

namespace mmoe::bench {

std::unique_ptr<Engine> make_ours(const EngineOptions& options);
std::unique_ptr<Engine> make_pytorch(const EngineOptions& options);
std::unique_ptr<Engine> make_pytorch_int8(const EngineOptions& options);
std::unique_ptr<Engine> make_openvino(const EngineOptions& options);
std::unique_ptr<Engine> make_openvino_weights(const EngineOptions& options);
std::unique_ptr<Engine> make_xnnpack(const EngineOptions& options);
std::unique_ptr<Engine> make_xnnpack_f16(const EngineOptions& options);
std::unique_ptr<Engine> make_xnnpack_qd8(const EngineOptions& options);
std::unique_ptr<Engine> make_onednn(const EngineOptions& options);
std::unique_ptr<Engine> make_onednn_bf16(const EngineOptions& options);
std::unique_ptr<Engine> make_onednn_int8(const EngineOptions& options);
std::unique_ptr<Engine> make_libxsmm(const EngineOptions& options);
std::unique_ptr<Engine> make_openblas(const EngineOptions& options);
std::unique_ptr<Engine> make_eigen(const EngineOptions& options);

/// Ours with weights of a type, as --weights of mmoe-convert takes it.
EngineFactory make_ours_in(const std::string& type);

/// ONNX Runtime on files NAME.STYLE<form>.onnx.
EngineFactory make_onnxruntime(std::vector<std::string> forms);

/// OpenVINO with weights and inputs in 8 bits; weights of 7 bits where products of bytes saturate.
EngineFactory make_openvino_int8(bool has_byte_products);

/// OpenVINO told to compute in this type, where the device's capabilities have that word.
EngineFactory make_openvino_in(const std::string& hint, const std::string& capability);

}  // namespace mmoe::bench
