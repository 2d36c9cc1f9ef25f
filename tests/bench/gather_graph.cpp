#include "tests/bench/gather_graph.h"

#include <cstdint>

namespace mmoe::bench {
namespace {

// Messages of protobuf, as far as this graph needs them. The numbers are of fields in ONNX's onnx.proto.
class Message {
 public:
  Message& add(unsigned field, std::uint64_t value) {
    append_number(std::uint64_t{field} << 3);
    append_number(value);
    return *this;
  }
  Message& add(unsigned field, const std::string& bytes) {
    append_number(std::uint64_t{field} << 3 | 2);
    append_number(bytes.size());
    bytes_ += bytes;
    return *this;
  }
  Message& add(unsigned field, const Message& message) { return add(field, message.bytes_); }

  const std::string& bytes() const { return bytes_; }

 private:
  void append_number(std::uint64_t value) {
    for (; value >= 0x80; value >>= 7) bytes_ += static_cast<char>(value | 0x80);
    bytes_ += static_cast<char>(value);
  }

  std::string bytes_;
};

enum Element : std::uint64_t { kFloat = 1, kInt64 = 7 };
constexpr std::size_t kAnySize = 0;

// ValueInfoProto
Message value(const std::string& name, Element element, std::initializer_list<std::size_t> dims) {
  Message shape;
  for (const std::size_t dim : dims) {
    shape.add(1, dim == kAnySize ? Message().add(2, std::string("rows")) : Message().add(1, std::uint64_t{dim}));
  }
  const Message tensor = Message().add(1, std::uint64_t{element}).add(2, shape);
  return Message().add(1, name).add(2, Message().add(1, tensor));
}

// AttributeProto of type INT
Message attribute(const std::string& name, std::uint64_t number) {
  return Message().add(1, name).add(3, number).add(20, std::uint64_t{2});
}

Message gather(const std::string& number) {
  return Message()
      .add(1, "table" + number)
      .add(1, "ids" + number)
      .add(2, "rows" + number)
      .add(4, std::string("Gather"))
      .add(5, attribute("axis", 0));
}

}  // namespace

ort::Names gather_names(std::size_t num_features) {
  ort::Names names{{}, "x"};
  for (std::size_t f = 0; f < num_features; ++f) names.inputs.push_back("table" + std::to_string(f));
  for (std::size_t f = 0; f < num_features; ++f) names.inputs.push_back("ids" + std::to_string(f));
  return names;
}

std::string gather_graph(std::size_t num_features, std::size_t table_rows, std::size_t dim) {
  Message graph, concat;
  for (std::size_t f = 0; f < num_features; ++f) {
    graph.add(1, gather(std::to_string(f)));
    concat.add(1, "rows" + std::to_string(f));
  }
  concat.add(2, std::string("x")).add(4, std::string("Concat")).add(5, attribute("axis", 1));
  graph.add(1, concat).add(2, std::string("lookups"));
  for (std::size_t f = 0; f < num_features; ++f) {
    graph.add(11, value("table" + std::to_string(f), kFloat, {table_rows, dim}));
    graph.add(11, value("ids" + std::to_string(f), kInt64, {kAnySize}));
  }
  graph.add(12, value("x", kFloat, {kAnySize, num_features * dim}));
  const Message opset = Message().add(2, std::uint64_t{13});
  return Message().add(1, std::uint64_t{8}).add(7, graph).add(8, opset).bytes();
}

}  // namespace mmoe::bench
