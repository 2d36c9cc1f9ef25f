// What a state dict cannot carry, from a short JSON.
#pragma once

#include <filesystem>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>

#include "converter/reading/json_reader.h"

namespace mmoe::converter {

/// Refers to nothing outside: a copy of the JSON and the folder in which the files that it names lie.
struct Settings {
  Settings(std::string_view text, std::filesystem::path folder);

  JsonReader reader() const { return JsonReader(json); }
  const nlohmann::json* find(const char* key) const;

  nlohmann::json json;
  std::filesystem::path folder;
};

/// `activation` of the settings for "experts", "gates" or "towers", in the description's words. `library` may have
/// `activations`, what the library's names mean beyond those. Throws, with what the library calls it, if it is missing.
nlohmann::ordered_json activation_of(const Settings& settings, const nlohmann::ordered_json& library,
                                     const std::string& part);

/// `last_activation` of the settings. Throws if it is missing.
nlohmann::ordered_json last_activation_of(const Settings& settings);

/// `tasks` of the settings, or names and links by default. `count` tasks, called `texts` in the tensors' names.
nlohmann::ordered_json tasks_of(const Settings& settings, const nlohmann::ordered_json& library,
                                const std::vector<std::string>& texts, std::vector<std::string>& notes);

}  // namespace mmoe::converter
