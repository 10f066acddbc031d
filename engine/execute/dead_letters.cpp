#include "engine/execute/dead_letters.hpp"

#include <fmt/core.h>
#include <simdjson.h>

#include <algorithm>
#include <filesystem>
#include <fstream>

#include "engine/route/envelope.hpp"
#include "engine/route/event_reader.hpp"

namespace millrace {

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
  line += fmt::format(",\"RETRY_ATTEMPTS\":{},", outcome.attempts);
  append_start_members(start, line);
  if (JsonValidator().is_json(start.input)) {
    line.append(",\"input\":").append(start.input);
  } else {
    member("inputText", start.input);
  }
  const RetryPolicy& retry = start.target->retry;
  if (!start.target->dead_letter_arn.empty()) member("deadLetterArn", start.target->dead_letter_arn);
  if (retry != RetryPolicy{}) {
    line += fmt::format(",\"retryPolicy\":{{\"MaximumRetryAttempts\":{},\"MaximumEventAgeInSeconds\":{}}}",
                        retry.attempts_max, retry.age_seconds_max);
  }
  // Line breaks in an input stand between its tokens only.
  std::replace_if(
      line.begin(), line.end(), [](char c) { return c == '\n' || c == '\r'; }, ' ');
  return file_.append(line + "}");
}

namespace {

// Reads one letter; says why it is none, or why its start could not be tried.
class LetterReader {
 public:
  explicit LetterReader(const std::string& line) : line_(line) {}

  std::optional<std::string> read(Rule& rule, Start& start) {
    namespace ondemand = simdjson::ondemand;
    ondemand::document document;
    ondemand::object members;
    if (parser_.iterate(line_).get(document) || document.get_object().get(members)) return "is no JSON object";
    Target target;
    bool has_input = false;
    for (auto member : members) {
      std::string_view key;
      ondemand::value value;
      if (member.unescaped_key().get(key) || member.value().get(value)) return "is not valid JSON";
      const std::string name(key);
      if (name == "input") {
        has_input = true;
        if (raw_text(value, start.input)) return "is not valid JSON";
      } else if (name == "retryPolicy") {
        std::uint64_t attempts = 0, age = 0;
        if (value["MaximumRetryAttempts"].get(attempts) || value["MaximumEventAgeInSeconds"].get(age))
          return "has a retryPolicy that is none";
        target.retry = {static_cast<std::uint32_t>(attempts), static_cast<std::uint32_t>(age)};
      } else if (std::string* const to = text_of(name, rule, target, start)) {
        std::string_view text;
        if (value.get_string().get(text)) return "has a " + name + " that is no string";
        *to = text;
        has_input |= name == "inputText";
      }
    }
    if (target.arn.empty() || start.name.empty() || !has_input)
      return "is no dead letter; expected an object with stateMachineArn, name and input";
    if (!is_state_machine_arn(target.arn)) return "names " + target.arn + ", which is no Step Functions state machine";
    if (!is_execution_name(start.name)) return "has a name that no execution can have";
    rule.targets.push_back(std::move(target));
    return {};
  }

 private:
  // The value's own text, whose numbers and escapes stay as they are.
  static simdjson::error_code raw_text(simdjson::ondemand::value value, std::string& out) {
    simdjson::ondemand::json_type type;
    if (const auto error = value.type().get(type)) return error;
    std::string_view text;
    simdjson::error_code error = simdjson::SUCCESS;
    if (type == simdjson::ondemand::json_type::object) {
      simdjson::ondemand::object object;
      error = value.get_object().get(object);
      if (!error) error = object.raw_json().get(text);
    } else if (type == simdjson::ondemand::json_type::array) {
      simdjson::ondemand::array array;
      error = value.get_array().get(array);
      if (!error) error = array.raw_json().get(text);
    } else {
      text = value.raw_json_token();
    }
    out = text.substr(0, text.find_last_not_of(" \t\r\n") + 1);
    return error;
  }

  static std::string* text_of(const std::string& name, Rule& rule, Target& target, Start& start) {
    if (name == "stateMachineArn") return &target.arn;
    if (name == "deadLetterArn") return &target.dead_letter_arn;
    if (name == "target") return &target.id;
    if (name == "rule") return &rule.name;
    if (name == "RULE_ARN") return &rule.arn;
    if (name == "name") return &start.name;
    if (name == "eventId") return &start.event_id;
    if (name == "eventTime") return &start.event_time;
    return name == "inputText" ? &start.input : nullptr;
  }

  simdjson::ondemand::parser parser_;
  simdjson::padded_string line_;
};

}  // namespace

Result<Redelivery> read_dead_letters(const std::string& path) {
  std::ifstream file(path);
  if (!file || file.peek() == std::ifstream::traits_type::eof()) {
    std::error_code error;
    if (!file || std::filesystem::is_directory(path, error))
      return Failure{path + ": cannot be read; is it a file of dead letters?"};
    return Redelivery{};
  }
  Redelivery out;
  std::uint64_t number = 0;
  JsonValidator validator;
  for (std::string line; std::getline(file, line);) {
    ++number;
    auto rule = std::make_unique<Rule>();
    Start start;
    if (const auto why = LetterReader(line).read(*rule, start))
      return Failure{path + ": line " + std::to_string(number) + " " + *why};
    start.rule = rule.get();
    start.target = &rule->targets[0];
    if (!validator.is_json(start.input)) start.refused = {"INVALID_JSON", "the input is not valid JSON"};
    if (start.input.size() > kInputBytesMax) start.refused = {"INVALID_PARAMETER", kInputTooLarge};
    out.starts.push_back(std::move(start));
    out.rules.push_back(std::move(rule));
  }
  return out;
}

}  // namespace millrace
