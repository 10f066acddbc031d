#include "engine/rules/yaml_rules.hpp"

#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <vector>

#include "engine/route/json_scalar.hpp"
#include "matcher/json_cursor.hpp"

namespace millrace {
namespace {

constexpr int kYamlDepthMax = static_cast<int>(kJsonDepthMax);
// LIMIT: of the JSON that a byte of YAML may become; a few bytes of aliases can stand for gigabytes.
constexpr std::size_t kBytesAByteMax = 64, kBytesMin = std::size_t{1} << 20;

// A word of YAML's core schema as JSON has it; empty if it is none.
std::string_view json_word_of(std::string_view text) {
  if (text == "true" || text == "True" || text == "TRUE") return "true";
  if (text == "false" || text == "False" || text == "FALSE") return "false";
  return text == "null" ? text : std::string_view();
}

// A plain scalar is a word of YAML's or a number of JSON's, else a string; one with a tag is what the tag says.
void append_scalar(const YAML::Node& node, std::string& out) {
  const std::string &text = node.Scalar(), &tag = node.Tag();
  if (!tag.empty() && tag != "?" && tag != "!" && tag != "tag:yaml.org,2002:str")
    throw YAML::Exception(node.Mark(), "the tag " + tag + " is not supported; leave it out");
  const bool plain = tag.empty() || tag == "?";
  const std::string_view word = plain ? json_word_of(text) : std::string_view();
  if (!word.empty()) {
    out += word;
  } else if (plain && is_json_number(text)) {
    out += text;
  } else {
    out += nlohmann::json(text).dump();
  }
}

void append(const YAML::Node& node, int depth, std::size_t bytes_max, std::string& out) {
  if (depth > kYamlDepthMax) throw YAML::Exception(node.Mark(), "nests deeper than 1000 levels");
  if (out.size() > bytes_max) throw YAML::Exception(node.Mark(), "its aliases stand for too much; write it out");
  const char* separator = "";
  switch (node.Type()) {
    case YAML::NodeType::Map:
      out += '{';
      for (const auto& member : node) {
        if (!member.first.IsScalar()) throw YAML::Exception(member.first.Mark(), "a key is not a string");
        out += separator + nlohmann::json(member.first.Scalar()).dump() + ":";
        append(member.second, depth + 1, bytes_max, out);
        separator = ",";
      }
      out += '}';
      break;
    case YAML::NodeType::Sequence:
      out += '[';
      for (const auto& item : node) {
        out += separator;
        append(item, depth + 1, bytes_max, out);
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
    const std::vector<YAML::Node> documents = YAML::LoadAll(yaml);
    if (documents.empty()) return Failure{"is empty; expected Rules: […]"};
    if (documents.size() > 1)
      throw YAML::Exception(documents[1].Mark(), "a second document; put all rules into one, below Rules:");
    append(documents[0], 0, std::max(kBytesMin, kBytesAByteMax * yaml.size()), out);
    return out;
  } catch (const YAML::Exception& error) {
    return Failure{"is not valid YAML: line " + std::to_string(error.mark.line + 1) + ": " + error.msg};
  } catch (const nlohmann::json::exception&) {
    return Failure{"is not valid UTF-8"};
  }
}

}  // namespace millrace
