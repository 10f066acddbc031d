// Events held in memory, to measure on: read once in any form that a replay reads.
//
// Threads: immutable after load(). Errors: bad stretches are counted; inputs that cannot be read are failures.
#pragma once

#include <string>
#include <vector>

#include "engine/error.hpp"
#include "engine/ingest/block.hpp"

namespace millrace {

struct HeldEvents {
  std::vector<Block> blocks;
  std::uint64_t events = 0, bytes = 0, bad = 0;  // bytes: of the events' own text
};

Result<HeldEvents> hold_events(const std::vector<std::string>& inputs);

}  // namespace millrace
