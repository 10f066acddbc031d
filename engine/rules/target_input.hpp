// What a target gets for an event: the event, a constant (Input), a part of it (InputPath), or a template filled with
// parts of it (InputTransformer).
//
// A template that starts with a quote is a string template: values come as text, of objects and arrays without their
// quotes. Any other is a JSON template: a placeholder outside of quotes gets the value's JSON, one inside gets text. A
// value that is not there is "" outside and nothing inside. What comes of it may be no JSON, as it may in EventBridge,
// which then delivers nothing.
//
// Threads: immutable after parse(). Cost: a pass over the event for each path.
// Errors:  parse() in AWS's words where it has some; render() gives what does not exist as nothing.
// Source:  EventBridge user guide, and the recorded behaviour of AWS that LocalStack's tests keep.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/error.hpp"
#include "engine/rules/json_path.hpp"

namespace millrace {

// As a rule file has them.
struct TargetInputText {
  std::optional<std::string> input, input_path, input_template;
  std::map<std::string, std::string> input_paths;
};

// What the reserved variables say.
struct DeliveredEvent {
  std::string_view json;  // valid, kJsonPaddingBytes readable bytes behind it
  std::string_view rule_arn, rule_name;
  std::string_view time;  // stands for the ingestion time, so that a replay gives the same input
};

class TargetInput {
 public:
  // Null if the target gets the whole event.
  static Result<std::shared_ptr<const TargetInput>> parse(const TargetInputText& text, const std::string& target_id);

  // nullopt if InputPath selects nothing. Not checked to be JSON.
  std::optional<std::string> render(const DeliveredEvent& event) const;

 private:
  enum class Variable : std::uint8_t { path, rule_arn, rule_name, ingestion_time, event_without_detail, whole_event };
  struct Part {
    std::string text;  // before the placeholder
    bool has_placeholder = false, inside_quotes = false;
    Variable variable = Variable::path;
    std::size_t path = 0;  // in paths_
  };

  std::optional<Failure> parse_paths(const std::map<std::string, std::string>& paths, const std::string& target_id);
  std::optional<Failure> parse_template(std::string_view text, const std::string& target_id);
  bool resolve(std::string_view name, Part& part) const;
  std::optional<std::string> value_of(const Part& part, const DeliveredEvent& event) const;

  std::optional<std::string> constant_;
  std::optional<JsonPath> selected_;
  std::vector<std::string> path_names_;
  std::vector<JsonPath> paths_;
  std::vector<Part> parts_;
  bool is_string_template_ = false;
};

}  // namespace millrace
