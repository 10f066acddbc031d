// Rule files in YAML, turned into the same rules in JSON.
//
// Threads: pure. Errors: the line of what is not YAML.
// Source:  YAML 1.2 core schema for plain scalars (null, true, false, numbers); a quoted scalar is a string.
#pragma once

#include <string>

#include "engine/error.hpp"

namespace millrace {

Result<std::string> yaml_to_json(const std::string& yaml);

}  // namespace millrace
