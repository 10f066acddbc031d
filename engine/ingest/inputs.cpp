#include "engine/ingest/inputs.hpp"

#define XXH_INLINE_ALL
#include <sys/stat.h>
#include <xxhash.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <set>
#include <string_view>
#include <utility>

#include "engine/ingest/byte_source.hpp"
#include "engine/ingest/decompressor.hpp"
#include "engine/ingest/line.hpp"
#include "engine/route/text_scan.hpp"

namespace millrace {
namespace {

namespace fs = std::filesystem;

constexpr std::array<std::string_view, 5> kLogEndings = {".json", ".ndjson", ".jsonl", ".gz", ".zst"};

bool is_named_like_logs(std::string_view name) {
  return std::any_of(kLogEndings.begin(), kLogEndings.end(),
                     [&](std::string_view ending) { return name.ends_with(ending); });
}

// Firehose gives its files no ending, and others give them their own.
bool begins_like_logs(const std::string& path) {
  constexpr std::size_t kLookBytes = 256;
  std::array<char, kLookBytes> begin;
  std::ifstream file(path, std::ios::binary);
  file.read(begin.data(), begin.size());
  std::string_view text(begin.data(), static_cast<std::size_t>(file.gcount()));
  if (is_packed(text)) return true;
  if (text.starts_with(kByteOrderMark)) text.remove_prefix(kByteOrderMark.size());
  text.remove_prefix(std::min(text.find_first_not_of(" \t\r\n"), text.size()));
  return text.starts_with('{') || text.starts_with('[') || behind_timestamp(text) > 0;
}

// LIMIT: folders that CloudTrail Lake's results and other services' logs are delivered into.
const std::set<std::string_view> kOtherLogs = {"CloudTrail-Lake", "Config", "vpcflowlogs", "elasticloadbalancing"};

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
    constexpr std::string_view kLastYears = "9999";
    if (!filter.until.empty() && !filter.until.starts_with(kLastYears))
      last_day_ = day_after(filter.until.substr(0, 10), kDeliveryDaysMax);
  }

  void list(const std::string& root) {
    found_.clear();
    complete_ = true;
    Place place;
    for (const fs::path& part : fs::absolute(root).lexically_normal()) {
      if (!part.empty()) place = below(place, part.string());
    }
    if (is_asked_for(place)) {
      walk(root, place);
    } else if (place.trail == "CloudTrail-Insight" && !filter_.insights) {
      fail(root, "holds insights; --insights reads them");
    }
    if (found_.empty() && complete_ && !is_filtered()) out_.failures.push_back({root, "holds no log files"});
    std::sort(found_.begin(), found_.end(), [](const InputFile& a, const InputFile& b) { return a.path < b.path; });
    out_.files.insert(out_.files.end(), std::make_move_iterator(found_.begin()), std::make_move_iterator(found_.end()));
  }

 private:
  // Where in CloudTrail's layout a directory lies, as far as its path says.
  struct Place {
    std::string account, trail, region, day;  // day: YYYY, YYYY-MM or YYYY-MM-DD
    bool in_logs = false;                     // below AWSLogs
    bool is_other = false;                    // what other services or CloudTrail Lake put there
  };

  static Place below(Place place, const std::string& name) {
    const bool is_trail = name == "CloudTrail" || name == "CloudTrail-Digest" || name == "CloudTrail-Insight";
    if (kOtherLogs.count(name) > 0) place.is_other = true;
    if (name == "AWSLogs") {
      place = {};
      place.in_logs = true;
    } else if (is_trail && !place.account.empty()) {
      place.trail = name;
    } else if (place.trail.empty()) {
      place.account = place.in_logs || is_number(name, 12) ? name : "";
    } else if (place.region.empty()) {
      place.region = name;
    } else if (place.day.empty() ? is_number(name, 4) : is_number(name, 2) && place.day.size() < 10) {
      place.day += (place.day.empty() ? "" : "-") + name;
    }
    return place;
  }

  bool is_asked_for(const Place& place) const {
    if (place.is_other) return false;
    if (place.trail == "CloudTrail-Digest" || (place.trail == "CloudTrail-Insight" && !filter_.insights)) return false;
    if (!place.trail.empty() && !place.account.empty() && !allows(filter_.accounts, place.account)) return false;
    if (!place.region.empty() && !allows(filter_.regions, place.region)) return false;
    if (place.day.empty()) return true;
    if (!first_day_.empty() && place.day < first_day_.substr(0, place.day.size())) return false;
    return last_day_.empty() || place.day <= last_day_.substr(0, place.day.size());
  }

  bool is_filtered() const {
    return !filter_.accounts.empty() || !filter_.regions.empty() || !first_day_.empty() || !last_day_.empty();
  }

  void walk(const std::string& directory, const Place& place) {
    struct stat info;
    std::error_code error;
    if (::stat(directory.c_str(), &info) != 0) error.assign(errno, std::generic_category());
    const std::pair<dev_t, ino_t> identity(info.st_dev, info.st_ino);
    // A link that leads back to where it lies in adds nothing.
    if (!error && std::find(ancestors_.begin(), ancestors_.end(), identity) != ancestors_.end()) return;
    ancestors_.push_back(identity);
    for (fs::directory_iterator at = error ? fs::directory_iterator() : fs::directory_iterator(directory, error), end;
         !error && at != end; at.increment(error)) {
      visit(*at, place);
    }
    ancestors_.pop_back();
    if (error) fail(directory, "cannot be listed: " + error.message());
  }

  void visit(const fs::directory_entry& entry, const Place& place) {
    std::error_code error;
    const std::string name = entry.path().filename().string();
    if (name.starts_with('.') || is_output(entry)) return;
    if (entry.is_directory(error)) {
      const Place inner = below(place, name);
      if (is_asked_for(inner)) walk(entry.path().string(), inner);
    } else {
      take(entry.path().string(), entry.is_regular_file(error), is_named_like_logs(name));
    }
  }

  void take(const std::string& path, bool is_file, bool is_named) {
    std::error_code error;
    if (is_file && (is_named || begins_like_logs(path))) {
      found_.push_back(stat_of(path));
    } else if (is_named && !fs::exists(path, error)) {
      fail(path, "cannot be read; does the link lead nowhere?");
    } else if (out_.passed_over++ == 0) {
      out_.first_passed_over = path;
    }
  }

  bool is_output(const fs::directory_entry& entry) const {
    return std::any_of(filter_.outputs.begin(), filter_.outputs.end(), [&](const std::string& output) {
      std::error_code error;
      return entry.path().filename() == fs::path(output).filename() && fs::equivalent(entry.path(), output, error);
    });
  }

  void fail(const std::string& path, const std::string& why) {
    complete_ = false;
    out_.failures.push_back({path, why});
  }

  const InputFilter& filter_;
  InputList& out_;
  std::string first_day_, last_day_;
  std::vector<std::pair<dev_t, ino_t>> ancestors_;
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
      out.failures.push_back({path, error ? "cannot be read: " + error.message() : "does not exist"});
    } else {
      out.files.push_back(path == "-" ? InputFile{path, 0, 0} : stat_of(path));
    }
  }
  return out;
}

Result<std::vector<std::string>> read_path_list(const std::string& file, const std::atomic<int>* stop) {
  ByteSource source(file, stop);
  std::string text;
  std::array<char, 1 << 16> piece;
  for (std::size_t got; (got = source.read(piece.data(), piece.size())) > 0;) text.append(piece.data(), got);
  if (!source.failure().empty()) return Failure{file + ": " + source.failure()};
  if (text.starts_with(kByteOrderMark)) text.erase(0, kByteOrderMark.size());
  const char end = text.find('\0') == std::string::npos ? '\n' : '\0';
  std::vector<std::string> out;
  for (std::size_t at = 0; at < text.size();) {
    const auto behind = std::min(text.find(end, at), text.size());
    std::string path = text.substr(at, behind - at);
    if (end == '\n' && path.ends_with('\r')) path.pop_back();
    if (path == "-" && file == "-")
      return Failure{file + ": lists standard input, which holds no path; name it as an input instead"};
    if (!path.empty()) out.push_back(std::move(path));
    at = behind + 1;
  }
  return out;
}

std::uint64_t head_of(const std::string& path, std::uint64_t bytes) {
  if (bytes == 0) return 0;  // a pipe: to open it would take what it holds
  std::string head(std::min<std::uint64_t>(bytes, kHeadBytesMax), '\0');
  std::ifstream file(path, std::ios::binary);
  if (!file.read(head.data(), static_cast<std::streamsize>(head.size()))) return 0;
  return XXH3_64bits(head.data(), head.size()) | 1;
}

}  // namespace millrace
