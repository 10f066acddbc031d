#include "engine/execute/credentials.hpp"

#include <cstdlib>
#include <fstream>
#include <map>
#include <string_view>

namespace millrace {
namespace {

std::string environment(const char* name) {
  const char* const value = std::getenv(name);
  return value == nullptr ? "" : value;
}

std::string_view trimmed(std::string_view text) {
  constexpr std::string_view kSpace = " \t\r";
  const auto begin = text.find_first_not_of(kSpace);
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(kSpace) + 1 - begin);
}

// The members of one section of an INI file.
std::map<std::string, std::string> section_of(const std::string& path, std::string_view name) {
  std::map<std::string, std::string> out;
  std::ifstream file(path);
  bool inside = false;
  for (std::string line; std::getline(file, line);) {
    const std::string_view text = trimmed(line);
    if (text.empty() || text.front() == '#' || text.front() == ';') continue;
    const auto equals = text.find('=');
    if (text.front() == '[') {
      inside = text.back() == ']' && trimmed(text.substr(1, text.size() - 2)) == name;
    } else if (inside && equals != std::string_view::npos) {
      out[std::string(trimmed(text.substr(0, equals)))] = trimmed(text.substr(equals + 1));
    }
  }
  return out;
}

bool take(std::map<std::string, std::string> members, Credentials& out) {
  out = {members["aws_access_key_id"], members["aws_secret_access_key"], members["aws_session_token"]};
  return !out.access_key_id.empty() && !out.secret_access_key.empty();
}

std::string path_or(const char* variable, const char* in_home) {
  const std::string path = environment(variable);
  return path.empty() ? environment("HOME") + in_home : path;
}

}  // namespace

Result<Credentials> read_credentials() {
  const std::string chosen = environment("AWS_PROFILE");
  Credentials out{environment("AWS_ACCESS_KEY_ID"), environment("AWS_SECRET_ACCESS_KEY"),
                  environment("AWS_SESSION_TOKEN")};
  if (chosen.empty() && !out.access_key_id.empty() && !out.secret_access_key.empty()) return out;
  const std::string profile = chosen.empty() ? "default" : chosen;
  const std::string credentials = path_or("AWS_SHARED_CREDENTIALS_FILE", "/.aws/credentials");
  const std::string config = path_or("AWS_CONFIG_FILE", "/.aws/config");
  if (take(section_of(credentials, profile), out)) return out;
  if (take(section_of(config, profile == "default" ? profile : "profile " + profile), out)) return out;
  return Failure{
      "no AWS credentials: neither AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY in the environment, nor profile " +
      profile + " in " + credentials + " or " + config};
}

}  // namespace millrace
