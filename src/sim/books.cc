#include "sim/books.h"

#include <algorithm>

namespace xcs::sim {

std::uint64_t Books::note(std::uint64_t hash) {
  Seen& seen = seen_[hash];
  if (seen.count > 0) ++stats_.duplicates;
  if (seen.answered) ++stats_.repeats;
  return seen.count++;
}

void Books::begin(Script& script, std::uint64_t hash) {
  script.in_flight = true;
  script.hash = hash;
  stats_.peak_in_flight = std::max(stats_.peak_in_flight, ++stats_.in_flight);
}

void Books::end(const Script& script, bool complete) {
  if (!script.in_flight) return;
  --stats_.in_flight;
  if (!complete) ++stats_.abandoned;
  const bool well = complete && script.good && script.whole;
  if (well) seen_[script.hash].answered = true;
}

void Books::clear() {
  stats_.clear();
  seen_.clear();
}

}  // namespace xcs::sim
