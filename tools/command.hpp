// What the subcommands share: exit statuses, messages, the numbers that people write, and who does what.
#pragma once

#include <CLI/CLI.hpp>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace millrace::tools {

enum ExitStatus : int {
  kDone = 0,
  kNo = 1,           // the answer is no
  kUsage = 2,        // wrong usage
  kPartly = 3,       // done, but some records were bad or some starts failed
  kCouldNotRun = 4,  // invalid rules, no input, no disk
  kInterrupted = 130,
};

struct Common {
  bool json = false, quiet = false;
};

// A subcommand adds itself to the application and sets `run` to what it does if it is the one asked for.
using Run = std::function<int()>;
void add_replay(CLI::App& app, Run& run);
void add_match(CLI::App& app, Run& run);
void add_bench(CLI::App& app, Run& run);
void add_test(CLI::App& app, Run& run);
void add_gen(CLI::App& app, Run& run);
void add_executions(CLI::App& app, Run& run);

void add_common(CLI::App& command, Common& common);

// "millrace: " and the sentence, on stderr.
void complain(const std::string& sentence);
void say(const std::string& text);  // as it is

// A file that is read must not be one that is written. Names the clash, if there is one.
std::optional<std::string> clash_of(const std::vector<std::string>& read, const std::vector<std::string>& written);

// Nor may two write one file.
std::optional<std::string> written_twice(const std::vector<std::string>& written);

// 250k, 10M, 1G as a count; a usage error says what was expected.
std::uint64_t parse_count(const std::string& text);
CLI::Validator count_option();

// 0.5, 200, 10k as a rate a second.
void add_rate(CLI::App& command, const std::string& name, double& value, const std::string& description);

// 2026-11-23, 2026-11-23T09:00 or 2026-11-23T09:00:00Z, in UTC; kept as 2026-11-23T09:00:00, which sorts as time does.
std::optional<std::string> parse_time(const std::string& text);
void add_max_record(CLI::App& command, std::uint64_t& bytes);
void add_time(CLI::App& command, const std::string& name, std::string& value, const std::string& description);

// 500ms, 10s, 5m, 2h.
// A finite number within these bounds; a whole number that 64 bits hold.
CLI::Validator number_between(double min, double max);
CLI::Validator whole_number();

std::optional<std::chrono::milliseconds> parse_duration(const std::string& text);
void add_duration(CLI::App& command, const std::string& name, std::chrono::milliseconds& value,
                  const std::string& description, std::chrono::milliseconds at_least = std::chrono::milliseconds{0});

// Signals: the first SIGINT or SIGTERM sets this, the second one ends the process.
const std::atomic<int>& stop_on_signals();

// Writes to standard output; false, with a complaint, if it cannot be written.
bool print(std::string_view text);

}  // namespace millrace::tools
