#include "sim/latency.h"

#include "sim/draw.h"

namespace xcs::sim {

namespace {

std::chrono::nanoseconds from_ms(double ms) {
  return std::chrono::nanoseconds(static_cast<std::int64_t>(ms * 1e6));
}

Fault draw_fault(const Weather& weather, Draw& draw) {
  double at = draw.unit();
  const Fault error = draw.chance(0.5) ? Fault::kOverloaded : Fault::kServerError;
  at -= weather.error_rate;
  if (at < 0) return error;
  for (std::size_t i = 1; i < kFaultCount; ++i) {
    at -= weather.rates[i];
    if (at < 0) return static_cast<Fault>(i);
  }
  return Fault::kNone;
}

}  // namespace

Weather fixed_latency(double ms) {
  Weather weather;
  weather.fixed_ms = ms;
  weather.tokens_per_second = 0;
  return weather;
}

Weather good_weather() {
  Weather weather;
  weather.straggler_rate = 0.002;
  weather.rate(Fault::kBlackHole) = 0.0005;
  weather.error_rate = 0.001;
  weather.rate(Fault::kReset) = 0.0005;
  weather.rate(Fault::kStreamError) = 0.0002;
  return weather;
}

Weather bad_weather() {
  Weather weather = good_weather();
  weather.first_byte_ms = 1200;
  weather.first_byte_sigma = 0.85;
  weather.tokens_per_second = 60;
  weather.straggler_rate = 0.01;
  weather.error_rate = 0.003;
  return weather;
}

Weather incident_weather() {
  Weather weather = bad_weather();
  weather.rate(Fault::kBlackHole) = 0.10;
  weather.error_rate = 0.05;
  weather.rate(Fault::kReset) = 0.01;
  weather.rate(Fault::kStreamError) = 0.01;
  return weather;
}

Fate draw_fate(const Weather& weather, std::uint64_t seed, std::uint64_t hash, std::uint64_t ordinal) {
  Draw draw(mix(seed) + mix(hash + mix(ordinal)));
  Fate fate;
  fate.fault = draw_fault(weather, draw);
  fate.position = draw.unit();
  const double slowness = draw.chance(weather.straggler_rate) ? weather.straggler_factor : 1.0;
  const double first_byte_ms =
      weather.fixed_ms ? *weather.fixed_ms : draw.log_normal(weather.first_byte_ms, weather.first_byte_sigma);
  fate.first_byte = from_ms(first_byte_ms * slowness);
  if (weather.tokens_per_second > 0) {
    fate.per_token =
        from_ms(1000.0 / draw.log_normal(weather.tokens_per_second, weather.rate_sigma) * slowness);
  }
  return fate;
}

}  // namespace xcs::sim
