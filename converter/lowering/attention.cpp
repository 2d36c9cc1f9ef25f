#include "converter/lowering/attention.h"

#include "converter/lowering/fold.h"

namespace mmoe::converter {
namespace {

// A layer without activation of the sum of some columns of `layer`, each with its sign.
DenseLayer part_of(const DenseLayer& layer, const Attention& attention, size_t width, const char* name,
                   std::vector<std::pair<AttentionTerm, double>> signs) {
  DenseLayer part;
  part.name = layer.name + name;
  part.storage = layer.storage;
  part.weight = {layer.outputs(), width, std::vector<float>(layer.outputs() * width)};
  for (size_t o = 0; o < layer.outputs(); ++o) {
    for (size_t i = 0; i < width; ++i) {
      double sum = 0;
      for (size_t t = 0; t < attention.terms.size(); ++t) {
        for (const auto& [term, sign] : signs) {
          if (attention.terms[t] == term) sum += sign * layer.weight.at(o, t * width + i);
        }
      }
      part.weight.data[o * width + i] = static_cast<float>(sum);
    }
  }
  require_finite(part);
  return part;
}

}  // namespace

void take_apart(Node& node) {
  if (node.kind != NodeKind::kAttention) return;
  const DenseLayer first = std::move(node.layers.front());
  node.layers.erase(node.layers.begin());
  Attention& attention = node.attention;
  using Term = AttentionTerm;
  const auto part = [&](const char* name, std::vector<std::pair<Term, double>> signs) {
    return part_of(first, attention, node.input_width, name, std::move(signs));
  };
  attention.parts.push_back(part("", {{Term::kQuery, 1}, {Term::kDifference, 1}}));
  attention.parts.push_back(part(" keys", {{Term::kElement, 1}, {Term::kDifference, -1}}));
  attention.parts.push_back(part(" product", {{Term::kProduct, 1}}));
  attention.parts[1].bias = first.bias;
  attention.terms.clear();
  node.activation = first.activation;
}

}  // namespace mmoe::converter
