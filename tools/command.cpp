#include "tools/command.hpp"

#include <fmt/core.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <filesystem>

namespace millrace::tools {
namespace {

std::atomic<int> stop_signal = 0;
static_assert(std::atomic<int>::is_always_lock_free, "set from a signal handler");

extern "C" void on_signal(int number) {
  if (stop_signal.exchange(number) != 0) _exit(kInterrupted);
}

}  // namespace

void add_common(CLI::App& command, Common& common) {
  command.add_flag("--json", common.json, "Print one JSON summary object on standard output");
  command.add_flag("-q,--quiet", common.quiet, "No progress and no summary on standard error");
}

// What a sentence quotes of an input or an answer must not steer a terminal.
void complain(const std::string& sentence) {
  std::string shown = sentence;
  std::replace_if(
      shown.begin(), shown.end(),
      [](char c) { return (static_cast<unsigned char>(c) < 0x20 && c != '\n') || c == 0x7f; }, '?');
  say("millrace: " + shown + "\n");
}

// There is nobody to tell that standard error cannot be written.
void say(const std::string& text) { std::fputs(text.c_str(), stderr); }

std::uint64_t parse_count(const std::string& text) {
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  const std::string_view unit(end, static_cast<std::size_t>(text.data() + text.size() - end));
  const std::uint64_t scale = unit.empty()                 ? 1
                              : unit == "k" || unit == "K" ? 1'000
                              : unit == "M"                ? 1'000'000
                              : unit == "G"                ? 1'000'000'000
                                                           : 0;
  std::uint64_t out = 0;
  if (error != std::errc{} || scale == 0 || __builtin_mul_overflow(value, scale, &out)) {
    throw CLI::ValidationError(text, "expected a number such as 500, 250k, 10M or 1G");
  }
  return out;
}

CLI::Validator count_option() {
  return CLI::Validator(
      [](std::string& text) {
        try {
          text = std::to_string(parse_count(text));
          return std::string();
        } catch (const CLI::ValidationError& error) {
          return std::string(error.what());
        }
      },
      "N[k|M|G]");
}

void add_rate(CLI::App& command, const std::string& name, double& value, const std::string& description) {
  const auto take = [name, &value](const std::string& text) {
    double rate = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), rate);
    const std::string_view unit(end, static_cast<std::size_t>(text.data() + text.size() - end));
    const double scale = unit.empty() ? 1 : unit == "k" ? 1e3 : unit == "M" ? 1e6 : unit == "G" ? 1e9 : 0;
    if (error != std::errc{} || !(rate * scale >= 1e-3 && rate * scale <= 1e9))
      throw CLI::ValidationError(name, text + " is no rate; expected one such as 0.5, 200 or 10k");
    value = rate * scale;
  };
  command.add_option_function<std::string>(name, take, description)->type_name("N[k|M|G]");
}

std::optional<std::string> clash_of(const std::vector<std::string>& read, const std::vector<std::string>& written) {
  for (const std::string& in : read) {
    for (const std::string& out : written) {
      std::error_code error;
      if (in == out || std::filesystem::equivalent(in, out, error))
        return out + ": would be written over while it is read; name another file";
    }
  }
  return {};
}

std::optional<std::string> written_twice(const std::vector<std::string>& written) {
  const auto place = [](const std::string& path) {
    std::error_code error;
    return std::filesystem::weakly_canonical(std::filesystem::absolute(path, error), error);
  };
  const auto is_device = [](const std::string& path) {
    std::error_code error;
    return std::filesystem::exists(path, error) && !std::filesystem::is_regular_file(path, error);
  };
  for (auto path = written.begin(); path != written.end(); ++path) {
    const auto is_same = [&](const std::string& other) { return other == *path || place(other) == place(*path); };
    if (!is_device(*path) && std::any_of(path + 1, written.end(), is_same))
      return *path + ": is named for two outputs; name another file";
  }
  return {};
}

std::optional<std::string> parse_time(const std::string& text) {
  constexpr std::string_view kShape = "0000-00-00T00:00:00";
  constexpr std::string_view kRest = "0000-01-01T00:00:00";
  std::string out = text;
  for (const std::string_view utc : {"Z", "+00:00"}) {
    if (out.ends_with(utc)) out.resize(out.size() - utc.size());
  }
  const auto dot = out.find('.');
  std::string fraction;
  if (dot == 19 && out.size() > 20 && out.find_first_not_of("0123456789", 20) == std::string::npos) {
    const auto last = out.find_last_not_of('0');
    fraction = out.substr(dot, last == dot ? 0 : last + 1 - dot);
    out.resize(dot);
  }
  const std::size_t bytes = out.size();
  if (bytes != 10 && bytes != 13 && bytes != 16 && bytes != 19) return {};
  for (std::size_t i = 0; i < bytes; ++i) {
    const bool is_digit = out[i] >= '0' && out[i] <= '9';
    if (kShape[i] == '0' ? !is_digit : out[i] != kShape[i]) return {};
  }
  out += kRest.substr(bytes);
  const auto part = [&](std::size_t at) { return (out[at] - '0') * 10 + out[at + 1] - '0'; };
  const std::chrono::year_month_day date(std::chrono::year(part(0) * 100 + part(2)),
                                         std::chrono::month(static_cast<unsigned>(part(5))),
                                         std::chrono::day(static_cast<unsigned>(part(8))));
  if (!date.ok() || part(11) > 23 || part(14) > 59 || part(17) > 60) return {};
  return out + fraction;
}

void add_max_record(CLI::App& command, std::uint64_t& bytes) {
  command.add_option("--max-record", bytes, "Largest record in bytes; larger ones are bad")
      ->transform(count_option())
      ->check(CLI::Range(std::uint64_t{1} << 10, std::uint64_t{1} << 28))
      ->capture_default_str();
}

void add_time(CLI::App& command, const std::string& name, std::string& value, const std::string& description) {
  const auto take = [name, &value](const std::string& text) {
    const auto time = parse_time(text);
    if (!time)
      throw CLI::ValidationError(name, text + " is no time; expected one such as 2026-11-23 or 2026-11-23T09:00:00Z");
    value = *time;
  };
  command.add_option_function<std::string>(name, take, description)->type_name("TIME");
}

CLI::Validator number_between(double min, double max) {
  const auto check = [min, max](const std::string& text) {
    double value = 0;
    const char* const end = text.data() + text.size();
    const auto [behind, error] = std::from_chars(text.data(), end, value);
    const bool holds = error == std::errc{} && behind == end && value >= min && value <= max;
    return holds ? std::string() : fmt::format("{} is no number from {} to {}", text, min, max);
  };
  return CLI::Validator(check, fmt::format("FLOAT in [{} - {}]", min, max));
}

CLI::Validator whole_number() {
  const auto check = [](const std::string& text) {
    std::uint64_t value = 0;
    const char* const end = text.data() + text.size();
    const auto [behind, error] = std::from_chars(text.data(), end, value);
    return error == std::errc{} && behind == end ? std::string() : text + " is no whole number from 0 to 2^64 - 1";
  };
  return CLI::Validator(check, "");
}

std::optional<std::chrono::milliseconds> parse_duration(const std::string& text) {
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  const std::string_view unit(end, static_cast<std::size_t>(text.data() + text.size() - end));
  const double scale = unit == "ms" ? 1 : unit == "s" ? 1e3 : unit == "m" ? 60e3 : unit == "h" ? 3600e3 : 0;
  constexpr double kMillisecondsMax = 1e12;
  if (error != std::errc{} || scale == 0 || value < 0 || value * scale > kMillisecondsMax) return {};
  return std::chrono::milliseconds(static_cast<std::int64_t>(value * scale));
}

void add_duration(CLI::App& command, const std::string& name, std::chrono::milliseconds& value,
                  const std::string& description, std::chrono::milliseconds at_least) {
  const auto take = [name, &value, at_least](const std::string& text) {
    const auto duration = parse_duration(text);
    if (!duration || *duration < at_least)
      throw CLI::ValidationError(name, text + " is no duration; expected one such as 500ms, 10s, 5m or 2h");
    value = *duration;
  };
  command.add_option_function<std::string>(name, take, description)->type_name("DURATION");
}

const std::atomic<int>& stop_on_signals() {
  struct sigaction action {};
  action.sa_handler = on_signal;
  sigaction(SIGINT, &action, nullptr);
  sigaction(SIGTERM, &action, nullptr);
  std::signal(SIGPIPE, SIG_IGN);
  return stop_signal;
}

bool print(std::string_view text) {
  while (!text.empty()) {
    const ssize_t written = ::write(STDOUT_FILENO, text.data(), text.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) {
      if (errno != EPIPE) complain(std::string("standard output: cannot be written: ") + std::strerror(errno));
      return false;
    }
    text.remove_prefix(static_cast<std::size_t>(written));
  }
  return true;
}

}  // namespace millrace::tools
