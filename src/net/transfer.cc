#include "net/transfer.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include "net/easy.h"

namespace xcs::net {
namespace {

TimePoint after(TimePoint start, Duration limit) {
  constexpr Duration kYear = std::chrono::hours(24 * 365);
  return start + std::min(limit, kYear);
}

}  // namespace

Transfer::Transfer(Request r, Handler h)
    : request(std::move(r)),
      streams(h.on_piece != nullptr),
      takes_any(h.on_any_head != nullptr),
      waits_in_lane(request.lane != 0 && h.on_turn != nullptr),
      handler(std::move(h)) {}

Transfer::~Transfer() = default;

TimePoint deadline(const Transfer& transfer) {
  const Timeouts& limits = transfer.request.timeouts;
  const Duration phase_limit = transfer.phase == Transfer::Phase::kConnecting ? limits.connect
                               : transfer.phase == Transfer::Phase::kWaiting  ? limits.first_byte
                                                                              : limits.idle;
  return std::min(after(transfer.progressed, phase_limit), after(transfer.started, limits.total));
}

TimePoint first_deadline(const Transfer& transfer) {
  const Timeouts& limits = transfer.request.timeouts;
  return after(transfer.started, std::min({limits.connect, limits.first_byte, limits.idle, limits.total}));
}

}  // namespace xcs::net
