#include "engine/rules/rule_set.hpp"

#include <simdjson.h>

#include <algorithm>
#include <chrono>
#include <deque>
#include <filesystem>
#include <fstream>
#include <unordered_set>

#include "engine/execute/start.hpp"
#include "engine/ingest/decompressor.hpp"
#include "engine/ingest/line.hpp"
#include "engine/rules/yaml_rules.hpp"
#include "engine/uuid.hpp"
#include "matcher/json_cursor.hpp"
#include "matcher/source_place.hpp"

namespace millrace {
namespace {

namespace ondemand = simdjson::ondemand;

constexpr std::size_t kUsualRuleBytes = 256;  // PERF: room is made for so many at once
constexpr std::size_t kRefusedShownMax = 20;  // LIMIT: of refused rules in one message; the count of the rest follows

// EventBridge's: 1 to 64 characters, letters, digits and . - _
bool is_target_id(std::string_view id) {
  constexpr std::size_t kBytesMax = 64;
  return id.size() <= kBytesMax && std::all_of(id.begin(), id.end(), [](char c) {
           return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '.' || c == '-' ||
                  c == '_';
         });
}

// arn:PARTITION:sqs:REGION:ACCOUNT:NAME
bool is_queue_arn(std::string_view arn) {
  return arn.starts_with("arn:aws") && std::count(arn.begin(), arn.end(), ':') == 5 &&
         arn.find(":sqs:") != std::string_view::npos && !arn.ends_with(':');
}

std::string read_file(const std::string& path, bool& ok) {
  std::ifstream file(path, std::ios::binary);
  ok = static_cast<bool>(file);
  std::string text;
  std::error_code unknown;  // of a pipe
  if (const auto bytes = std::filesystem::file_size(path, unknown); !unknown)
    text.reserve(bytes + simdjson::SIMDJSON_PADDING);  // PERF: or it is copied again and again
  char buffer[1 << 16];
  while (file.read(buffer, sizeof(buffer)) || file.gcount() > 0)
    text.append(buffer, static_cast<std::size_t>(file.gcount()));
  ok = ok && !file.bad();
  return text;
}

struct JsonFault {
  std::string reason;
  std::size_t offset;
};

// Of JSON values one behind the other, the first thing that is none.
std::optional<JsonFault> find_json_fault(std::string_view text) {
  JsonCursor cursor;
  for (std::size_t at = 0; (at = text.find_first_not_of(" \t\r\n", at)) < text.size();) {
    cursor.reset(text.substr(at));
    std::size_t depth = 0;
    do {
      const Token token = cursor.next();
      if (token == Token::error) return JsonFault{cursor.reason(), at + cursor.offset()};
      depth += token == Token::start_object || token == Token::start_array;
      depth -= token == Token::end_object || token == Token::end_array;
    } while (depth > 0);
    const std::size_t behind = at + cursor.offset() + 1;
    at = text[behind - 1] == '}' || text[behind - 1] == ']' ? behind : text.size();
  }
  return {};
}

bool is_yaml(std::string_view path) { return path.ends_with(".yaml") || path.ends_with(".yml"); }

}  // namespace

// Goes through a rule file once; patterns stay views into its text until they are compiled.
class RuleSetReader {
 public:
  RuleSetReader(std::string text, const std::string& source, const RuleSetOptions& options)
      : text_(std::move(text)), source_(source), options_(options), set_(new RuleSet) {}

  Result<std::shared_ptr<const RuleSet>> run() {
    const auto begin = std::chrono::steady_clock::now();
    set_->fingerprint_ = uuid_from(text_);
    text_.reserve(text_.size() + simdjson::SIMDJSON_PADDING);
    make_room(text_.size() / kUsualRuleBytes);
    if (!read_all()) return Failure{source_ + ": " + failure_};
    if (set_->rules_.empty())
      return Failure{source_ + ": holds no rules; expected {\"Rules\": [{\"Name\": …, \"EventPattern\": …}]}"};
    if (!compile()) return Failure{failure_};
    set_->compile_seconds_ = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
    return std::shared_ptr<const RuleSet>(std::move(set_));
  }

 private:
  void make_room(std::size_t rules) {
    set_->rules_.reserve(rules);
    checked_.reserve(rules);
    name_hashes_.reserve(rules);
  }

  bool fail(std::string why) {
    failure_ = std::move(why);
    return false;
  }

  // What is wrong with the JSON, or, if nothing is, what it should have been.
  bool fail_json() {
    if (const auto fault = find_json_fault(text_))
      return fail("is not valid JSON: " + fault->reason + " at " + show_place(text_, fault->offset));
    return fail(
        "holds something else than rules; expected {\"Rules\": [{\"Name\": …, \"EventPattern\": …}]}, an array of "
        "rules, or one rule a line");
  }

  bool read_all() {
    if (text_.starts_with("\xff\xfe") || text_.starts_with("\xfe\xff")) return fail("is UTF-16; save it as UTF-8");
    if (is_packed(text_)) return fail("is compressed; unpack it first");
    if (text_.starts_with(kByteOrderMark)) text_.erase(0, kByteOrderMark.size());
    const auto first = text_.find_first_not_of(" \t\r\n");
    if (first == std::string::npos) return fail("is empty; expected {\"Rules\": […]}");
    if (text_[first] == '[') return read_array_file();
    ondemand::document_stream stream;
    // LIMIT: one document may be the whole file.
    if (const auto error =
            parser_.iterate_many(text_.data(), text_.size(), std::max<std::size_t>(text_.size(), 1 << 16))
                .get(stream)) {
      return fail_json();
    }
    for (auto at = stream.begin(); at != stream.end(); ++at) {
      ondemand::object object;
      auto document = *at;
      if (const auto error = document.get_object().get(object)) return fail_json();
      if (!read_document(object)) return false;
    }
    return stream.truncated_bytes() == 0 || fail_json();
  }

  bool read_array_file() {
    ondemand::document document;
    ondemand::array array;
    auto error = parser_.iterate(text_.data(), text_.size(), text_.size() + simdjson::SIMDJSON_PADDING).get(document);
    if (!error) error = document.get_array().get(array);
    return error ? fail_json() : read_rules(array);
  }

  bool read_rules(ondemand::array& array) {
    for (auto item : array) {
      ondemand::object object;
      if (const auto error = item.get_object().get(object)) return fail_json();
      if (!read_rule(object)) return false;
    }
    return true;
  }

  // A document is a rule, or an object whose member Rules lists them.
  bool read_document(ondemand::object& object) {
    ondemand::value rules;
    if (object.find_field_unordered("Rules").get(rules)) {
      const auto error = object.reset().error();
      return error ? fail_json() : read_rule(object);
    }
    ondemand::array array;
    if (const auto error = rules.get_array().get(array)) return fail_json();
    return read_rules(array);
  }

  bool read_rule(ondemand::object& object) {
    Rule rule;
    std::string_view pattern;
    bool scheduled = false;
    for (auto member : object) {
      std::string_view key;
      ondemand::value value;
      auto error = member.unescaped_key().get(key);
      if (!error) error = member.value().get(value);
      if (error) return fail_json();
      if (key == "Name") {
        std::string_view name;
        if (value.get_string().get(name)) return fail(place() + "Name is not a string");
        rule.name = name;
      } else if (key == "Arn") {
        std::string_view arn;
        if (!value.is_null() && value.get_string().get(arn)) return fail(place() + "Arn is not a string");
        rule.arn = arn;
      } else if (key == "State") {
        if (!read_state(value, rule)) return false;
      } else if (key == "EventPattern") {
        if (!read_pattern(value, pattern)) return false;
      } else if (key == "Targets") {
        if (!read_targets(value, rule)) return false;
      } else if (key == "ScheduleExpression") {
        scheduled = !value.is_null();
      }
    }
    if (pattern.empty() && !scheduled && !rule.name.empty())
      return fail(place() + rule.name + " has neither an EventPattern nor a ScheduleExpression");
    return add(std::move(rule), pattern);
  }

  std::string place() const { return "rule " + std::to_string(set_->rules_.size() + 1) + ": "; }

  bool add(Rule rule, std::string_view pattern) {
    if (rule.name.empty())
      return fail(place() + "has no Name; expected {\"Name\": …, \"EventPattern\": …, \"Targets\": […]}");
    if (is_used(rule.name)) return fail(place() + "the name " + rule.name + " is used twice; names must be unique");
    const bool live = rule.state != RuleState::disabled && !pattern.empty();
    set_->any_enabled_ |= live;
    set_->any_with_all_ |= live && rule.state == RuleState::enabled_with_all;
    checked_.push_back(pattern);
    live_.push_back(live);
    set_->rules_.push_back(std::move(rule));
    return true;
  }

  // PERF: a set of hashes; the names themselves are only compared where two hash alike.
  bool is_used(const std::string& name) {
    if (name_hashes_.insert(std::hash<std::string>()(name)).second) return false;
    return std::any_of(set_->rules_.begin(), set_->rules_.end(), [&](const Rule& rule) { return rule.name == name; });
  }

  bool read_state(ondemand::value value, Rule& rule) {
    std::string_view state;
    if (value.is_null()) return true;
    if (value.get_string().get(state)) return fail(place() + "State is not a string");
    if (state == "ENABLED") {
      rule.state = RuleState::enabled;
    } else if (state == "DISABLED") {
      rule.state = RuleState::disabled;
    } else if (state == "ENABLED_WITH_ALL_CLOUDTRAIL_MANAGEMENT_EVENTS") {
      rule.state = RuleState::enabled_with_all;
    } else {
      return fail(place() + "State is \"" + std::string(state) +
                  "\"; expected ENABLED, DISABLED or ENABLED_WITH_ALL_CLOUDTRAIL_MANAGEMENT_EVENTS");
    }
    return true;
  }

  bool read_pattern(ondemand::value value, std::string_view& pattern) {
    ondemand::json_type type;
    if (const auto error = value.type().get(type)) return fail_json();
    if (type == ondemand::json_type::null) return true;
    if (type == ondemand::json_type::string) {
      std::string_view text;
      if (value.get_string().get(text)) return fail(place() + "EventPattern is not a valid string");
      pattern = strings_.emplace_back(text);
      if (pattern.empty()) pattern = " ";
      return true;
    }
    if (type != ondemand::json_type::object)
      return fail(place() + "EventPattern is neither an object nor a string that holds one");
    ondemand::object object;
    auto error = value.get_object().get(object);
    if (!error) error = object.raw_json().get(pattern);
    return error ? fail_json() : true;
  }

  bool read_targets(ondemand::value value, Rule& rule) {
    ondemand::array array;
    if (value.is_null()) return true;
    if (value.get_array().get(array)) return fail(place() + "Targets is not an array");
    for (auto item : array) {
      ondemand::object object;
      if (item.get_object().get(object)) return fail(place() + "a target is not an object");
      Target target;
      TargetInputText input;
      if (!read_target(object, target, input)) return false;
      if (target.arn.empty()) return fail(place() + "a target has no Arn");
      if (options_.check_targets && !is_state_machine_arn(target.arn)) {
        return fail(
            place() + "the target " + target.arn +
            " is not a Step Functions state machine; expected arn:aws:states:REGION:ACCOUNT:stateMachine:NAME, with a "
            "region, 12 digits and a name");
      }
      const std::string queue_region = ":sqs:" + std::string(parse_state_machine_arn(target.arn).region) + ":";
      const bool is_elsewhere = target.dead_letter_arn.find(queue_region) == std::string::npos;
      if (options_.check_targets && !target.dead_letter_arn.empty() && is_elsewhere)
        return fail(place() + "DeadLetterConfig's Arn is not valid; the queue must be in the target's region");
      if (target.id.empty()) target.id = std::to_string(rule.targets.size() + 1);
      if (!is_target_id(target.id))
        return fail(place() + "the target Id " + target.id + " is not valid; expected up to 64 of A-Z a-z 0-9 . - _");
      const auto has_its_id = [&](const Target& other) { return other.id == target.id; };
      if (std::any_of(rule.targets.begin(), rule.targets.end(), has_its_id))
        return fail(place() + "two targets have the Id " + target.id + "; give each its own");
      auto parsed = TargetInput::parse(input, target.id);
      if (!parsed) return fail(place() + parsed.failure().message);
      target.input = std::move(*parsed);
      rule.targets.push_back(std::move(target));
    }
    return true;
  }

  bool read_target(ondemand::object& object, Target& target, TargetInputText& input) {
    for (auto member : object) {
      std::string_view name;
      ondemand::value value;
      auto error = member.unescaped_key().get(name);
      if (!error) error = member.value().get(value);
      if (error) return fail_json();
      std::optional<std::string> text;
      if (name == "InputTransformer") {
        if (!value.is_null() && !read_transformer(value, input)) return false;
      } else if (name == "RetryPolicy") {
        if (!value.is_null() && !read_retry_policy(value, target.retry)) return false;
      } else if (name == "DeadLetterConfig") {
        if (!value.is_null() && !read_dead_letter_config(value, target.dead_letter_arn)) return false;
      } else if (name == "Id" || name == "Arn" || name == "Input" || name == "InputPath") {
        if (!read_text(value, name, text)) return false;
      }
      if (name == "Id") target.id = text.value_or("");
      if (name == "Arn") target.arn = text.value_or("");
      if (name == "Input") input.input = text;
      if (name == "InputPath") input.input_path = text;
    }
    return true;
  }

  // A string, or null for none.
  bool read_text(ondemand::value value, std::string_view name, std::optional<std::string>& out) {
    std::string_view text;
    if (value.is_null()) return true;
    if (value.get_string().get(text)) return fail(place() + "a target's " + std::string(name) + " is not a string");
    out = std::string(text);
    return true;
  }

  bool read_transformer(ondemand::value value, TargetInputText& out) {
    ondemand::object object, paths;
    if (value.get_object().get(object)) return fail(place() + "InputTransformer is not an object");
    std::string_view text;
    if (object.find_field_unordered("InputTemplate").get_string().get(text))
      return fail(place() + "InputTransformer has no InputTemplate, which is a string");
    out.input_template = std::string(text);
    ondemand::value map;
    if (object.find_field_unordered("InputPathsMap").get(map) || map.is_null()) return true;
    if (map.get_object().get(paths)) return fail(place() + "InputPathsMap is not an object of strings");
    for (auto member : paths) {
      std::string_view name, path;
      auto error = member.unescaped_key().get(name);
      const std::string owned(name);
      if (!error) error = member.value().get_string().get(path);
      if (error) return fail(place() + "InputPathsMap is not an object of strings");
      out.input_paths[owned] = path;
    }
    return true;
  }

  bool read_retry_policy(ondemand::value value, RetryPolicy& out) {
    ondemand::object object;
    if (value.get_object().get(object)) return fail(place() + "RetryPolicy is not an object");
    return read_bounded(object, "MaximumRetryAttempts", 0, 185, out.attempts_max) &&
           read_bounded(object, "MaximumEventAgeInSeconds", 60, 86'400, out.age_seconds_max);
  }

  bool read_dead_letter_config(ondemand::value value, std::string& out) {
    ondemand::object object;
    std::string_view arn;
    if (value.get_object().get(object)) return fail(place() + "DeadLetterConfig is not an object");
    const auto error = object.find_field_unordered("Arn").get_string().get(arn);
    if (error == simdjson::NO_SUCH_FIELD) return true;
    if (error || !is_queue_arn(arn))
      return fail(place() + "DeadLetterConfig's Arn is not valid; expected arn:aws:sqs:REGION:ACCOUNT:QUEUE");
    if (arn.ends_with(".fifo"))
      return fail(place() + "DeadLetterConfig's Arn is not valid; a FIFO queue takes no dead letters");
    out = arn;
    return true;
  }

  bool read_bounded(ondemand::object& object, const char* name, std::uint64_t min, std::uint64_t max,
                    std::uint32_t& out) {
    ondemand::value value;
    if (object.find_field_unordered(name).get(value) || value.is_null()) return true;
    std::uint64_t number = 0;
    if (value.get_uint64().get(number) || number < min || number > max) {
      return fail(place() + name + " is not valid; expected a whole number from " + std::to_string(min) + " to " +
                  std::to_string(max));
    }
    out = static_cast<std::uint32_t>(number);
    return true;
  }

  // In the file, or in a pattern that came as a string or from YAML.
  std::string place_of(std::string_view pattern, std::size_t offset) const {
    const std::string_view file = text_;
    const bool in_file =
        !options_.converted && pattern.data() >= file.data() && pattern.data() < file.data() + file.size();
    if (in_file) return show_place(file, static_cast<std::size_t>(pattern.data() - file.data()) + offset);
    return "its pattern's " + show_place(pattern, offset);
  }

  bool compile() {
    std::vector<RefusedRule> refused;
    CompileOptions options{.extra_paths = options_.extra_paths};
    // A rule that may match nothing takes no part; its pattern is checked all the same.
    std::vector<bool> skipped(live_.size());
    for (std::size_t i = 0; i < live_.size(); ++i) skipped[i] = !live_[i];
    options.skipped = &skipped;
    set_->automaton_ = Automaton::compile(checked_, refused, options);
    if (refused.empty()) return true;
    for (std::size_t i = 0; i < refused.size() && i < kRefusedShownMax; ++i) {
      const auto& [id, error] = refused[i];
      failure_ += source_ + ": rule " + set_->rules_[id].name +
                  ": Event pattern is not valid. Reason: " + error.reason + "\n  at " +
                  place_of(checked_[id], error.offset_bytes) + "\n";
    }
    if (refused.size() > kRefusedShownMax)
      failure_ += "and " + std::to_string(refused.size() - kRefusedShownMax) + " more refused rules\n";
    failure_.pop_back();
    return false;
  }

  std::string text_;
  const std::string& source_;
  const RuleSetOptions& options_;
  std::shared_ptr<RuleSet> set_;
  ondemand::parser parser_;
  std::deque<std::string> strings_;  // patterns that came as strings
  std::vector<std::string_view> checked_;
  std::vector<bool> live_;
  std::unordered_set<std::size_t> name_hashes_;
  std::string failure_;
};

Result<std::shared_ptr<const RuleSet>> RuleSet::parse(std::string text, const std::string& source,
                                                      const RuleSetOptions& options) {
  return RuleSetReader(std::move(text), source, options).run();
}

Result<std::shared_ptr<const RuleSet>> RuleSet::load(const std::string& path, const RuleSetOptions& options) {
  bool ok = false;
  std::string text = read_file(path, ok);
  if (!ok) return Failure{path + ": cannot be read; is the path right?"};
  if (!is_yaml(path)) return parse(std::move(text), path, options);
  auto json = yaml_to_json(text);
  if (!json) return Failure{path + ": " + json.failure().message};
  RuleSetOptions converted = options;
  converted.converted = true;
  return parse(std::move(*json), path, converted);
}

}  // namespace millrace
