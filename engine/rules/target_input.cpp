#include "engine/rules/target_input.hpp"

#include <simdjson.h>

#include <algorithm>
#include <array>
#include <utility>

#include "engine/route/envelope.hpp"
#include "matcher/json_escape.hpp"

namespace millrace {
namespace {

// LIMITs: EventBridge's own.
constexpr std::size_t kInputPathsMax = 100, kPathNameBytesMax = 256, kPathCharactersMax = 256,
                      kTemplateCharactersMax = 8192, kInputCharactersMax = 8192;

std::size_t characters_in(std::string_view utf8) {
  return static_cast<std::size_t>(
      std::count_if(utf8.begin(), utf8.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xc0) != 0x80; }));
}

bool is_path_name(std::string_view name) {
  return !name.empty() && name.size() <= kPathNameBytesMax && std::all_of(name.begin(), name.end(), [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '-' || c == '_';
  });
}

// The name in a placeholder that starts at text[at]; empty if none does.
std::string_view placeholder_at(std::string_view text, std::size_t at) {
  std::size_t end = at + 1;
  while (end < text.size() && (is_path_name(text.substr(end, 1)) || text[end] == '.')) ++end;
  const bool closed = text[at] == '<' && end > at + 1 && end < text.size() && text[end] == '>';
  return closed ? text.substr(at + 1, end - at - 1) : std::string_view{};
}

bool is_json(std::string_view text) {
  simdjson::dom::parser parser;
  simdjson::dom::element root;
  return parser.parse(text.data(), text.size()).get(root) == simdjson::SUCCESS;
}

std::string unquoted(std::string_view json_string) {
  std::string out;
  unescape_json(json_string.substr(1, json_string.size() - 2), out);
  return out;
}

std::string json_string(std::string_view text) {
  std::string out;
  append_json_string(text, out);
  return out;
}

// Every member of the envelope but detail. AWS spells detail-type otherwise here.
std::string without_detail(std::string_view event) {
  constexpr std::array<std::pair<std::string_view, std::string_view>, 8> kMembers = {{{"id", "id"},
                                                                                      {"account", "account"},
                                                                                      {"detailType", "detail-type"},
                                                                                      {"time", "time"},
                                                                                      {"source", "source"},
                                                                                      {"region", "region"},
                                                                                      {"resources", "resources"},
                                                                                      {"version", "version"}}};
  std::string out = "{";
  for (const auto& [name, member] : kMembers) {
    const auto value = (*JsonPath::parse("$." + std::string(member))).select(event);
    if (!value) continue;
    out += (out.size() > 1 ? ",\"" : "\"") + std::string(name) + "\":" + *value;
  }
  return out + "}";
}

}  // namespace

Result<std::shared_ptr<const TargetInput>> TargetInput::parse(const TargetInputText& text,
                                                              const std::string& target_id) {
  const int given = text.input.has_value() + text.input_path.has_value() + text.input_template.has_value();
  if (given > 1)
    return Failure{"Only one of Input, InputPath, or InputTransformer must be provided for target " + target_id + "."};
  if (given == 0) return std::shared_ptr<const TargetInput>();
  auto out = std::make_shared<TargetInput>();
  if (text.input) {
    if (characters_in(*text.input) > kInputCharactersMax)
      return Failure{"Input for target " + target_id + " has more than 8192 characters."};
    if (!is_json(*text.input)) return Failure{"Input for target " + target_id + " is not valid JSON."};
    out->constant_ = text.input;
  } else if (text.input_path) {
    auto path = JsonPath::parse(*text.input_path);
    if (characters_in(*text.input_path) > kPathCharactersMax)
      return Failure{"InputPath for target " + target_id + " has more than 256 characters."};
    if (!path) return Failure{"InputPath for target " + target_id + " " + path.failure().message + "."};
    out->selected_ = std::move(*path);
  } else {
    if (auto failure = out->parse_paths(text.input_paths, target_id)) return *failure;
    if (auto failure = out->parse_template(*text.input_template, target_id)) return *failure;
  }
  return std::shared_ptr<const TargetInput>(std::move(out));
}

std::optional<Failure> TargetInput::parse_paths(const std::map<std::string, std::string>& paths,
                                                const std::string& target_id) {
  const auto refuse = [&](const std::string& why) { return Failure{"InputPathsMap for target " + target_id + why}; };
  if (paths.size() > kInputPathsMax) return refuse(" has more than 100 entries.");
  for (const auto& [name, path] : paths) {
    if (!is_path_name(name) || name.starts_with("AWS")) {
      return refuse(": the name " + name +
                    " is not valid; expected 1 to 256 of A-Z a-z 0-9 _ - that do not start with AWS.");
    }
    if (characters_in(path) > kPathCharactersMax)
      return refuse(": the path of " + name + " has more than 256 characters.");
    auto parsed = JsonPath::parse(path);
    if (!parsed) return refuse(": " + path + " " + parsed.failure().message + ".");
    path_names_.push_back(name);
    paths_.push_back(std::move(*parsed));
  }
  return {};
}

bool TargetInput::resolve(std::string_view name, Part& part) const {
  constexpr std::array<std::pair<std::string_view, Variable>, 5> kReserved = {
      {{"aws.events.rule-arn", Variable::rule_arn},
       {"aws.events.rule-name", Variable::rule_name},
       {"aws.events.event.ingestion-time", Variable::ingestion_time},
       {"aws.events.event", Variable::event_without_detail},
       {"aws.events.event.json", Variable::whole_event}}};
  const auto reserved =
      std::find_if(kReserved.begin(), kReserved.end(), [&](const auto& entry) { return entry.first == name; });
  if (reserved != kReserved.end()) {
    part.variable = reserved->second;
    return true;
  }
  const auto at = std::find(path_names_.begin(), path_names_.end(), name);
  part.path = static_cast<std::size_t>(at - path_names_.begin());
  return at != path_names_.end();
}

std::optional<Failure> TargetInput::parse_template(std::string_view text, const std::string& target_id) {
  const auto refuse = [&](const std::string& why) { return Failure{"InputTemplate for target " + target_id + why}; };
  if (text.empty() || characters_in(text) > kTemplateCharactersMax) return refuse(" must have 1 to 8192 characters.");
  is_string_template_ = text[std::min(text.find_first_not_of(" \t\r\n"), text.size() - 1)] == '"';
  bool inside_quotes = false;
  Part part;
  for (std::size_t at = 0; at < text.size(); ++at) {
    const std::string_view name = placeholder_at(text, at);
    if (name.empty()) {
      const bool escape = text[at] == '\\' && inside_quotes && at + 1 < text.size();
      if (escape) part.text += text[at++];
      if (!escape && text[at] == '"') inside_quotes = !inside_quotes;
      part.text += text[at];
      continue;
    }
    part.has_placeholder = true;
    part.inside_quotes = inside_quotes;
    if (!resolve(name, part)) return refuse(" contains invalid placeholder " + std::string(name) + ".");
    parts_.push_back(std::exchange(part, {}));
    at += name.size() + 1;
  }
  parts_.push_back(std::move(part));
  return {};
}

std::optional<std::string> TargetInput::value_of(const Part& part, const DeliveredEvent& event) const {
  switch (part.variable) {
    case Variable::rule_arn:
      return json_string(event.rule_arn);
    case Variable::rule_name:
      return json_string(event.rule_name);
    case Variable::ingestion_time:
      return json_string(event.time);
    case Variable::event_without_detail:
      return without_detail(event.json);
    case Variable::whole_event:
      return std::string(event.json);
    default:
      return paths_[part.path].select(event.json);
  }
}

std::optional<std::string> TargetInput::render(const DeliveredEvent& event) const {
  if (constant_) return constant_;
  if (selected_) return selected_->select(event.json);
  std::string out;
  for (const Part& part : parts_) {
    out += part.text;
    if (!part.has_placeholder) continue;
    std::string value = value_of(part, event).value_or("\"\"");
    const bool is_string = value.starts_with('"');
    if (part.inside_quotes && is_string) {
      value = unquoted(value);
    } else if (part.inside_quotes && is_string_template_) {
      std::erase(value, '"');
    }
    out += value;
  }
  return out;
}

}  // namespace millrace
