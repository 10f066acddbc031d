#include "engine/rules/yaml_rules.hpp"

#include <yaml-cpp/yaml.h>

#include <nlohmann/json.hpp>

#include "matcher/json_cursor.hpp"

namespace millrace {
namespace {

constexpr int kYamlDepthMax = static_cast<int>(kJsonDepthMax);

void append_scalar(const YAML::Node& node, std::string& out) {
  const std::string& text = node.Scalar();
  const bool plain = node.Tag() != "!";
  // A plain scalar is what JSON would read it as, if JSON has such a token.
  if (plain && (text == "true" || text == "false" || text == "null" ||
                (nlohmann::json::accept(text) && nlohmann::json::parse(text).is_number()))) {
    out += text;
  } else {
    out += nlohmann::json(text).dump();
  }
}

void append(const YAML::Node& node, int depth, std::string& out) {
  if (depth > kYamlDepthMax) throw YAML::Exception(node.Mark(), "nests deeper than 1000 levels");
  const char* separator = "";
  switch (node.Type()) {
    case YAML::NodeType::Map:
      out += '{';
      for (const auto& member : node) {
        out += separator + nlohmann::json(member.first.Scalar()).dump() + ":";
        append(member.second, depth + 1, out);
        separator = ",";
      }
      out += '}';
      break;
    case YAML::NodeType::Sequence:
      out += '[';
      for (const auto& item : node) {
        out += separator;
        append(item, depth + 1, out);
        separator = ",";
      }
      out += ']';
      break;
    case YAML::NodeType::Scalar:
      append_scalar(node, out);
      break;
    default:
      out += "null";
      break;
  }
}

}  // namespace

Result<std::string> yaml_to_json(const std::string& yaml) {
  try {
    std::string out;
    append(YAML::Load(yaml), 0, out);
    return out;
  } catch (const YAML::Exception& error) {
    return Failure{"is not valid YAML: line " + std::to_string(error.mark.line + 1) + ": " + error.msg};
  } catch (const nlohmann::json::exception&) {
    return Failure{"is not valid UTF-8"};
  }
}

}  // namespace millrace
