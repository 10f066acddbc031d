#include "engine/execute/dead_letters.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <nlohmann/json.hpp>

#include "engine/route/envelope.hpp"

namespace millrace {

std::optional<Failure> DeadLetters::open(const std::string& path, bool append) {
  file_.reset(std::fopen(path.c_str(), append ? "ae" : "we"));
  if (!file_) return Failure{path + ": cannot be written: " + std::strerror(errno)};
  path_ = path;
  return {};
}

std::optional<Failure> DeadLetters::add(const Start& start, const Outcome& outcome) {
  std::string line = "{";
  const auto member = [&](std::string_view name, std::string_view text) {
    line.append(line.size() > 1 ? ",\"" : "\"").append(name).append("\":");
    append_json_string(text, line);
  };
  member("RULE_ARN", rule_arn_of(*start.rule, *start.target));
  member("TARGET_ARN", start.target->arn);
  member("ERROR_CODE", outcome.error.code);
  member("ERROR_MESSAGE", outcome.error.message);
  if (outcome.exhausted != nullptr) member("EXHAUSTED_RETRY_CONDITION", outcome.exhausted);
  line += fmt::format(",\"RETRY_ATTEMPTS\":{}", outcome.attempts);
  member("stateMachineArn", start.target->arn);
  member("name", start.name);
  member("rule", start.rule->name);
  member("target", start.target->id);
  member("eventId", start.event_id);
  member("eventTime", start.event_time);
  if (nlohmann::json::accept(start.input)) {
    line.append(",\"input\":").append(start.input);
  } else {
    member("inputText", start.input);
  }
  // Line breaks in an input stand between its tokens only.
  std::replace_if(
      line.begin(), line.end(), [](char c) { return c == '\n' || c == '\r'; }, ' ');
  fmt::print(file_.get(), "{}}}\n", line);
  if (std::fflush(file_.get()) == 0) return {};
  return Failure{path_ + ": cannot be written: " + std::strerror(errno)};
}

Result<Redelivery> read_dead_letters(const std::string& path) {
  std::ifstream file(path);
  if (!file) return Failure{path + ": cannot be read; is the path right?"};
  Redelivery out;
  std::uint64_t number = 0;
  for (std::string line; std::getline(file, line);) {
    ++number;
    const auto letter = nlohmann::ordered_json::parse(line, nullptr, false);
    const auto text = [&](const char* name) {
      const auto at = letter.find(name);
      return at != letter.end() && at->is_string() ? at->get<std::string>() : std::string();
    };
    if (!letter.is_object() || text("stateMachineArn").empty() || text("name").empty()) {
      return Failure{path + ": line " + std::to_string(number) +
                     " is no dead letter; expected an object with stateMachineArn, name and input"};
    }
    auto rule = std::make_unique<Rule>();
    rule->name = text("rule");
    rule->arn = text("RULE_ARN");
    rule->targets.push_back({text("target"), text("stateMachineArn"), nullptr, {}});
    Start start{rule.get(), &rule->targets[0], text("name"), text("eventId"), text("eventTime"), {}, {}, 0};
    start.input = letter.contains("input") ? letter["input"].dump() : text("inputText");
    if (!nlohmann::json::accept(start.input)) start.refused = {"INVALID_JSON", "the input is not valid JSON"};
    out.starts.push_back(std::move(start));
    out.rules.push_back(std::move(rule));
  }
  return out;
}

}  // namespace millrace
