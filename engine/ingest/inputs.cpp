#include "engine/ingest/inputs.hpp"

#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <iterator>
#include <optional>
#include <string_view>

namespace millrace {
namespace {

namespace fs = std::filesystem;

constexpr std::array<std::string_view, 5> kLogEndings = {".json", ".ndjson", ".jsonl", ".gz", ".zst"};
constexpr std::size_t kDirectoriesDeepMax = 64;  // LIMIT: nesting of directories; links may lead in circles

bool is_log(std::string_view name) {
  return !name.starts_with('.') && std::any_of(kLogEndings.begin(), kLogEndings.end(),
                                               [&](std::string_view ending) { return name.ends_with(ending); });
}

InputFile stat_of(const std::string& path) {
  struct stat info;
  if (::stat(path.c_str(), &info) != 0 || !S_ISREG(info.st_mode)) return {path, 0, 0};
  return {path, static_cast<std::uint64_t>(info.st_size), info.st_mtim.tv_sec * 1'000'000'000 + info.st_mtim.tv_nsec};
}

bool is_number(std::string_view text, std::size_t digits) {
  return text.size() == digits && std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
}

// The day that is so many days behind YYYY-MM-DD.
std::string day_after(const std::string& day, int days) {
  using namespace std::chrono;
  const auto part = [&](std::size_t at, std::size_t digits) { return std::stoi(day.substr(at, digits)); };
  const sys_days at =
      year(part(0, 4)) / month(static_cast<unsigned>(part(5, 2))) / std::chrono::day(static_cast<unsigned>(part(8, 2)));
  const year_month_day out(at + std::chrono::days(days));
  std::array<char, 16> text{};
  std::snprintf(text.data(), text.size(), "%04d-%02u-%02u", static_cast<int>(out.year()),
                static_cast<unsigned>(out.month()), static_cast<unsigned>(out.day()));
  return text.data();
}

bool allows(const std::vector<std::string>& wanted, std::string_view name) {
  return wanted.empty() || std::find(wanted.begin(), wanted.end(), name) != wanted.end();
}

class Lister {
 public:
  Lister(const InputFilter& filter, InputList& out) : filter_(filter), out_(out) {
    if (!filter.since.empty()) first_day_ = filter.since.substr(0, 10);
    if (!filter.until.empty()) last_day_ = day_after(filter.until.substr(0, 10), kDeliveryDaysMax);
  }

  void list(const std::string& root) {
    found_.clear();
    complete_ = true;
    walk(root, {}, 0);
    if (found_.empty() && complete_) out_.failures.push_back(root + ": holds no log files that are asked for");
    std::sort(found_.begin(), found_.end(), [](const InputFile& a, const InputFile& b) { return a.path < b.path; });
    out_.files.insert(out_.files.end(), std::make_move_iterator(found_.begin()), std::make_move_iterator(found_.end()));
  }

 private:
  // Where in CloudTrail's layout a directory lies, as far as its path says.
  struct Place {
    std::string account, trail, region, day;  // day: YYYY, YYYY-MM or YYYY-MM-DD
  };

  static Place below(Place place, const std::string& name) {
    if (name == "CloudTrail" || name == "CloudTrail-Digest" || name == "CloudTrail-Insight") {
      place.trail = name;
    } else if (place.trail.empty()) {
      place.account = is_number(name, 12) ? name : "";
    } else if (place.region.empty()) {
      place.region = name;
    } else if (place.day.empty() ? is_number(name, 4) : is_number(name, 2) && place.day.size() < 10) {
      place.day += (place.day.empty() ? "" : "-") + name;
    }
    return place;
  }

  bool is_asked_for(const Place& place) const {
    if (place.trail == "CloudTrail-Digest" || (place.trail == "CloudTrail-Insight" && !filter_.insights)) return false;
    if (!place.trail.empty() && !place.account.empty() && !allows(filter_.accounts, place.account)) return false;
    if (!place.region.empty() && !allows(filter_.regions, place.region)) return false;
    if (place.day.empty()) return true;
    if (!first_day_.empty() && place.day < first_day_.substr(0, place.day.size())) return false;
    return last_day_.empty() || place.day <= last_day_.substr(0, place.day.size());
  }

  void walk(const std::string& directory, const Place& place, std::size_t depth) {
    std::error_code error;
    if (depth > kDirectoriesDeepMax) error = std::make_error_code(std::errc::too_many_symbolic_link_levels);
    for (fs::directory_iterator at = error ? fs::directory_iterator() : fs::directory_iterator(directory, error), end;
         !error && at != end; at.increment(error)) {
      std::error_code ignored;
      const std::string name = at->path().filename().string();
      if (at->is_directory(ignored)) {
        const Place inner = below(place, name);
        if (is_asked_for(inner)) walk(at->path().string(), inner, depth + 1);
      } else if (is_log(name) && at->is_regular_file(ignored)) {
        found_.push_back(stat_of(at->path().string()));
      }
    }
    if (!error) return;
    complete_ = false;
    out_.failures.push_back(directory + ": cannot be listed: " + error.message());
  }

  const InputFilter& filter_;
  InputList& out_;
  std::string first_day_, last_day_;
  std::vector<InputFile> found_;
  bool complete_ = true;
};

}  // namespace

InputList list_inputs(const std::vector<std::string>& paths, const InputFilter& filter) {
  InputList out;
  Lister lister(filter, out);
  for (const auto& path : paths) {
    std::error_code error;
    if (path != "-" && fs::is_directory(path, error)) {
      lister.list(path);
    } else if (path != "-" && !fs::exists(path, error)) {
      out.failures.push_back(path + ": does not exist");
    } else {
      out.files.push_back(path == "-" ? InputFile{path, 0, 0} : stat_of(path));
    }
  }
  return out;
}

Result<std::vector<std::string>> read_path_list(const std::string& file) {
  std::ifstream opened;
  if (file != "-") opened.open(file, std::ios::binary);
  if (file != "-" && !opened) return Failure{file + ": cannot be read: " + std::strerror(errno)};
  std::istream& in = file == "-" ? std::cin : opened;
  const std::string text{std::istreambuf_iterator<char>(in), {}};
  const char end = text.find('\0') == std::string::npos ? '\n' : '\0';
  std::vector<std::string> out;
  for (std::size_t at = 0; at < text.size();) {
    const auto stop = std::min(text.find(end, at), text.size());
    std::string path = text.substr(at, stop - at);
    if (end == '\n' && path.ends_with('\r')) path.pop_back();
    if (!path.empty()) out.push_back(std::move(path));
    at = stop + 1;
  }
  return out;
}

}  // namespace millrace
