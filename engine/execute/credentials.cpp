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

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c;
  return out;
}

// "[profile  'x'] # comment" names x; in the credentials file there is no "profile", and default needs none.
std::string profile_of(std::string_view header) {
  std::string_view name = trimmed(header.substr(1, header.find(']') - 1));
  constexpr std::string_view kProfile = "profile";
  if (name.starts_with(kProfile) && name.size() > kProfile.size() &&
      (name[kProfile.size()] == ' ' || name[kProfile.size()] == '\t'))
    name = trimmed(name.substr(kProfile.size()));
  const bool quoted = name.size() >= 2 && (name.front() == '"' || name.front() == '\'') && name.back() == name.front();
  return std::string(quoted ? name.substr(1, name.size() - 2) : name);
}

// The members of one profile of an INI file.
std::map<std::string, std::string> members_of(const std::string& path, std::string_view profile) {
  std::map<std::string, std::string> out;
  std::ifstream file(path);
  bool inside = false;
  for (std::string line; std::getline(file, line);) {
    const std::string_view text = trimmed(line);
    if (text.empty() || text.front() == '#' || text.front() == ';') continue;
    const auto sign = text.find_first_of("=:");
    if (text.front() == '[') {
      inside = text.find(']') != std::string_view::npos && profile_of(text) == profile;
    } else if (inside && sign != std::string_view::npos) {
      out[lower(trimmed(text.substr(0, sign)))] = trimmed(text.substr(sign + 1));
    }
  }
  return out;
}

bool take(std::map<std::string, std::string> members, Credentials& out) {
  std::string& token = members["aws_session_token"];
  if (token.empty()) token = members["aws_security_token"];
  out = {members["aws_access_key_id"], members["aws_secret_access_key"], token};
  return !out.access_key_id.empty() && !out.secret_access_key.empty();
}

std::string path_or(const char* variable, const char* in_home) {
  const std::string path = environment(variable);
  if (path.starts_with("~/")) return environment("HOME") + path.substr(1);
  return path.empty() ? environment("HOME") + in_home : path;
}

}  // namespace

// The environment's keys come first, as in AWS's own tools.
Result<Credentials> read_credentials() {
  Credentials out{environment("AWS_ACCESS_KEY_ID"), environment("AWS_SECRET_ACCESS_KEY"),
                  environment("AWS_SESSION_TOKEN")};
  if (!out.access_key_id.empty() && !out.secret_access_key.empty()) return out;
  std::string profile = environment("AWS_PROFILE");
  if (profile.empty()) profile = environment("AWS_DEFAULT_PROFILE");
  if (profile.empty()) profile = "default";
  const std::string credentials = path_or("AWS_SHARED_CREDENTIALS_FILE", "/.aws/credentials");
  const std::string config = path_or("AWS_CONFIG_FILE", "/.aws/config");
  if (take(members_of(credentials, profile), out) || take(members_of(config, profile), out)) return out;
  return Failure{
      "no AWS credentials: neither AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY in the environment, nor profile " +
      profile + " in " + credentials + " or " + config};
}

}  // namespace millrace
