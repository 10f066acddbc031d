// Events, from text to leaves by path (1.2, 1.10, 1.11).
//
// Threads: one thread an object. Cost: no care is taken. Errors: Refused.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "tests/reference/json.hpp"
#include "tests/reference/patterns.hpp"
#include "tests/reference/reference.hpp"

namespace millrace::reference {

class EventReader {
 public:
  explicit EventReader(std::string_view text) : json_(text, false) {}

  Event read() {
    if (json_.next() != Token::begin_object) throw Refused{"Event must be a JSON object"};
    read_object();
    if (!json_.at_end()) throw Refused{"Text after the event"};
    return std::move(event_);
  }

 private:
  void read_object() {
    while (json_.next() != Token::end_object) {
      path_.push_back(json_.text());
      read_value(json_.next());
      path_.pop_back();
    }
  }

  void read_array() {
    const std::size_t array = array_count_++;
    std::size_t element = 0;
    for (Token token = json_.next(); token != Token::end_array; token = json_.next()) {
      if (!is_scalar(token)) membership_[array] = element;
      read_value(token);
      membership_.erase(array);
      ++element;
    }
  }

  void read_value(Token token) {
    if (token == Token::begin_object) {
      read_object();
    } else if (token == Token::begin_array) {
      read_array();
    } else {
      event_.leaves[join(path_)].push_back({make_scalar(token, json_.text()), membership_});
    }
  }

  JsonReader json_;
  Event event_;
  std::vector<std::string> path_;
  Membership membership_;
  std::size_t array_count_ = 0;
};

}  // namespace millrace::reference
