// Where starts go. One file a sink; make_sink() knows them all.
//
// Threads: one thread an object, the executor's. Errors: write() and finish() return a sentence when the sink is lost
// for good; the run then stops.
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string>

#include "engine/error.hpp"
#include "engine/execute/start.hpp"

namespace millrace {

class Sink {
 public:
  virtual ~Sink() = default;
  // Takes the starts in the order of the input.
  virtual std::optional<Failure> write(std::span<const Start> starts) = 0;
  // All that was written is where it belongs.
  virtual std::optional<Failure> finish() = 0;
};

// `null`, `ndjson:FILE` or `ndjson:-`. Fails if the name is none of these or the file cannot be written.
Result<std::unique_ptr<Sink>> make_sink(const std::string& name);

std::unique_ptr<Sink> make_null_sink();
Result<std::unique_ptr<Sink>> make_ndjson_sink(const std::string& path);

}  // namespace millrace
