#include "engine/ingest/inputs.hpp"

#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <string_view>

namespace millrace {
namespace {

namespace fs = std::filesystem;

constexpr std::array<std::string_view, 7> kLogEndings = {".json",  ".json.gz", ".json.zst", ".ndjson",
                                                         ".jsonl", ".gz",      ".zst"};

bool is_log(const fs::path& path) {
  const std::string name = path.filename().string();
  const std::string whole = path.string();
  const bool named_so = std::any_of(kLogEndings.begin(), kLogEndings.end(),
                                    [&](std::string_view ending) { return name.ends_with(ending); });
  return named_so && !name.starts_with('.') && whole.find("/CloudTrail-Digest/") == std::string::npos &&
         whole.find("/CloudTrail-Insight/") == std::string::npos;
}

InputFile stat_of(const std::string& path) {
  struct stat info;
  if (::stat(path.c_str(), &info) != 0 || !S_ISREG(info.st_mode)) return {path, 0, 0};
  return {path, static_cast<std::uint64_t>(info.st_size), info.st_mtim.tv_sec * 1'000'000'000 + info.st_mtim.tv_nsec};
}

void list_directory(const std::string& root, InputList& out) {
  std::vector<InputFile> found;
  std::error_code error;
  for (fs::recursive_directory_iterator at(root, fs::directory_options::follow_directory_symlink, error), end;
       !error && at != end; at.increment(error)) {
    std::error_code ignored;
    if (at->is_regular_file(ignored) && is_log(at->path())) found.push_back(stat_of(at->path().string()));
  }
  if (error) out.failures.push_back(root + ": cannot be listed: " + error.message());
  if (found.empty() && !error) out.failures.push_back(root + ": holds no log files");
  std::sort(found.begin(), found.end(), [](const InputFile& a, const InputFile& b) { return a.path < b.path; });
  out.files.insert(out.files.end(), std::make_move_iterator(found.begin()), std::make_move_iterator(found.end()));
}

}  // namespace

InputList list_inputs(const std::vector<std::string>& paths) {
  InputList out;
  for (const auto& path : paths) {
    std::error_code error;
    if (path != "-" && fs::is_directory(path, error)) {
      list_directory(path, out);
    } else if (path != "-" && !fs::exists(path, error)) {
      out.failures.push_back(path + ": does not exist");
    } else {
      out.files.push_back(path == "-" ? InputFile{path, 0, 0} : stat_of(path));
    }
  }
  return out;
}

}  // namespace millrace
