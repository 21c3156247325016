#include "sim/sim_stats.h"

#include <fmt/format.h>

#include <iterator>

namespace xcs::sim {

void SimStats::clear() {
  SimStats fresh;
  fresh.in_flight = fresh.peak_in_flight = in_flight;
  fresh.connections_open = connections_open;
  *this = fresh;
}

std::string stats_json(const SimStats& stats) {
  std::string out;
  const auto to = std::back_inserter(out);
  fmt::format_to(to, R"({{"requests":{},"by_endpoint":{{"chat_completions":{},"responses":{},"messages":{},)",
                 stats.requests, stats.chat_completions, stats.responses, stats.messages);
  fmt::format_to(to, R"("embeddings":{},"models":{},"unknown":{}}},"over_http2":{},"by_status":{{)",
                 stats.embeddings, stats.models, stats.unknown_paths, stats.http2_requests);
  std::string_view comma;
  for (const auto& [status, count] : stats.by_status) {
    fmt::format_to(to, R"({}"{}":{})", comma, status, count);
    comma = ",";
  }
  fmt::format_to(to, R"(}},"duplicates":{},"repeated_after_answer":{},"in_flight":{},"peak_in_flight":{},)",
                 stats.duplicates, stats.repeats, stats.in_flight, stats.peak_in_flight);
  fmt::format_to(to,
                 R"("limit_violations":{},"limit_violations_after_answer":{},"limit_violations_by_kind":{{)",
                 stats.limit_violations(), stats.refused_after_answer);
  for (std::size_t i = 0; i < kLimitKinds; ++i) {
    fmt::format_to(to, R"({}"{}":{})", i == 0 ? "" : ",", limit_name(static_cast<LimitKind>(i)),
                   stats.refused[i]);
  }
  out += "},";
  out += R"("faults":{)";
  for (std::size_t i = 1; i < kFaultCount; ++i) {
    fmt::format_to(to, R"({}"{}":{})", i == 1 ? "" : ",", fault_name(static_cast<Fault>(i)), stats.faults[i]);
  }
  fmt::format_to(to, R"(}},"unrecorded":{},"abandoned":{},)", stats.unrecorded, stats.abandoned);
  fmt::format_to(to, R"("tokens":{{"prompt":{},"completion":{}}},)", stats.prompt_tokens,
                 stats.completion_tokens);
  fmt::format_to(to, R"("connections":{{"accepted":{},"open":{},"slow":{},"descriptor_shortages":{}}},)",
                 stats.connections_accepted, stats.connections_open, stats.connections_slow,
                 stats.descriptor_shortages);
  fmt::format_to(to, R"("bytes":{{"received":{},"sent":{}}}}})", stats.bytes_received, stats.bytes_sent);
  return out;
}

}  // namespace xcs::sim
