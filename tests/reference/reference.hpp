// Answers, slowly and obviously: does this event match this event pattern, and if the pattern is refused, why?
//
// The oracle of the tests: every engine of matcher/ is judged by it, so it shares no code with them. It follows the
// pattern language section by section and prefers the plain reading to the quick one.
//
// Shape. A pattern becomes its alternatives (one for each combination of $or branches), an event its leaves:
//
//   {"a": [1, {"prefix": "x"}], "$or": [{"b": [2]}, {"c": {"d": [3]}}]}
//       alternatives   { a: 1 | prefix "x",  b: 2 }
//                      { a: 1 | prefix "x",  c.d: 3 }
//
//   {"a": [{"b": 1}, {"b": [2, 3]}], "d": null}
//       leaves         a.b  1     in {array 0: element 0}
//                      a.b  2     in {array 0: element 1}        (array 1 holds only scalars, so it leaves no mark)
//                      a.b  3     in {array 0: element 1}
//                      d    null  in {}
//
// A pattern matches if some alternative does: each of its fields picks a leaf at its path (or none, for
// {"exists": false}), and no two picked leaves lie in different elements of one array.
//
// Where it departs from aws/event-ruler on purpose:
//   - IPv4 and IPv6 addresses never match each other, and a number never matches an address;
//   - ignoring case, a character beyond U+FFFF and a title case letter match themselves;
//   - a first path segment that is empty counts;
//   - "comparable" numbers are those of the shortest form of a double, as Java writes it since 19; a range may reach
//   its
//     ends;
//   - a prefix or suffix never takes in the quotes around a value;
//   - a numeric "<" or "<=" between two strings of one list does not hide the first of them;
//   - an empty list inside anything-but's object is refused, and an event with an unpaired surrogate;
//   - an event ends at its closing brace.
// It does not refuse a wildcard for its complexity.
//
// Threads: values without shared state; const use from any number of threads.
// Cost:    exponential in the number of fields in the worst case; meant for small patterns and events.
// Errors:  a refused pattern or event is a value, the string of the variant; nothing throws but std::bad_alloc.
// Tests:   suite_check.cpp runs the recorded suites.
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace millrace::reference {

// 4 bytes of an IPv4 or 16 bytes of an IPv6 address. ::ffff:a00:1 is the IPv4 address 10.0.0.1.
using Address = std::vector<std::uint8_t>;

// A JSON value that is neither object nor array.
struct Scalar {
  enum class Kind { string, number, word };

  Kind kind = Kind::word;          // word: true, false or null
  std::string text;                // a string unescaped, anything else as it is written
  std::optional<double> number;    // of a number that its double represents exactly ("comparable")
  std::optional<Address> address;  // of a string that is an IP address
};

struct Network {
  Address base;
  std::size_t prefix_bits = 0;
};

struct Range {
  double low = -std::numeric_limits<double>::infinity();
  double high = std::numeric_limits<double>::infinity();
  bool low_included = false;
  bool high_included = false;
};

enum class Operator {
  exactly,             // operand
  address,             // network: a cidr, or a plain string that is an IP address
  prefix,              // operand.text, as for the next five
  prefix_ignore_case,  //
  suffix,              //
  suffix_ignore_case,  //
  equals_ignore_case,  //
  wildcard,            // valid: see check_wildcard
  numeric,             // range
  exists,              //
  absent,              // {"exists": false}
  anything_but,        // none_of: the leaf fails all of these
};

struct Condition {
  Operator op = Operator::exactly;
  Scalar operand{};
  Network network{};
  Range range{};
  std::vector<Condition> none_of{};
};

// Conditions by dotted path, in byte order of the paths: the order in which they pick their leaves.
using Conjunction = std::map<std::string, std::vector<Condition>>;

struct Event;

// One checked pattern. Text after the closing brace of the pattern is ignored.
class Rule {
 public:
  // The string is the first line of AWS's reason. Text that is not JSON gets a reason of our own.
  static std::variant<Rule, std::string> parse(std::string_view pattern);

 private:
  friend bool matches(const Rule& rule, const Event& event);

  std::vector<Conjunction> alternatives_;
};

// Array number -> element number, for every array around a leaf in which the way to the leaf goes through an object
// or array element. Arrays are numbered in the order of the text.
using Membership = std::map<std::size_t, std::size_t>;

struct Leaf {
  Scalar value;
  Membership membership;
};

// A flattened event: its leaves by dotted path. A key that occurs twice has the leaves of both.
struct Event {
  std::map<std::string, std::vector<Leaf>> leaves;
};

// The string says why the text is not an event.
std::variant<Event, std::string> parse_event(std::string_view text);

bool matches(const Rule& rule, const Event& event);

}  // namespace millrace::reference
