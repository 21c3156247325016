#include "sim/sim_options.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <iterator>
#include <limits>
#include <string_view>
#include <vector>

#include "net/origin.h"

namespace xcs::sim {

namespace {

using Problem = std::optional<std::string>;

struct Flag {
  std::string_view name;
  std::string_view value;  // what --help calls it; empty: the flag takes none
  std::string_view help;
  Problem (*set)(SimCommand& command, std::string_view text);
};

template <typename Number>
std::expected<Number, std::string> number(std::string_view text, Number low, Number high) {
  Number value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size() || !(value >= low && value <= high)) {
    return std::unexpected(fmt::format("needs a number from {} to {}, not '{}'", low, high, text));
  }
  return value;
}

constexpr double kHuge = 1e12;

template <typename Target, typename Number>
Problem assign(Target& target, const std::expected<Number, std::string>& value) {
  if (!value) return value.error();
  target = *value;
  return std::nullopt;
}

template <double Weather::* member>
Problem set_weather(SimCommand& command, std::string_view text) {
  return assign(command.options.weather.*member, number(text, 0.0, kHuge));
}

template <double Weather::* member>
Problem set_share(SimCommand& command, std::string_view text) {
  return assign(command.options.weather.*member, number(text, 0.0, 1.0));
}

template <Fault fault>
Problem set_rate(SimCommand& command, std::string_view text) {
  return assign(command.options.weather.rate(fault), number(text, 0.0, 1.0));
}

template <std::optional<double> Limits::* member>
Problem set_limit(SimCommand& command, std::string_view text) {
  return assign(command.options.limits.*member, number(text, 1.0, kHuge));
}

Problem set_preset(SimCommand& command, std::string_view text) {
  if (text == "good") {
    command.options.weather = good_weather();
  } else if (text == "bad") {
    command.options.weather = bad_weather();
  } else if (text == "incident") {
    command.options.weather = incident_weather();
  } else {
    return fmt::format("needs good, bad or incident, not '{}'", text);
  }
  return std::nullopt;
}

Problem set_latency(SimCommand& command, std::string_view text) {
  command.options.weather.tokens_per_second = 0;
  return assign(command.options.weather.fixed_ms, number(text, 0.0, kHuge));
}

Problem set_faults(SimCommand& command, std::string_view text) {
  auto schedule = parse_fault_schedule(text);
  if (!schedule) return fmt::format("needs faults like overloaded@10-20,reset@25, not '{}'", text);
  command.options.faults = *std::move(schedule);
  return std::nullopt;
}

template <double Limits::* member>
Problem set_ramp(SimCommand& command, std::string_view text) {
  return assign(command.options.limits.*member, number(text, 1e-3, kHuge));
}

Problem set_burst(SimCommand& command, std::string_view text) {
  const auto seconds = number(text, 0.0, kHuge);
  if (!seconds) return seconds.error();
  command.options.limits.burst = std::chrono::duration<double>(*seconds);
  return std::nullopt;
}

Problem set_upstream(SimCommand& command, std::string_view text) {
  while (text.ends_with('/')) text.remove_suffix(1);
  const net::Origin origin = net::origin_of(text);
  if ((origin.scheme != "http" && origin.scheme != "https") || origin.host.empty() ||
      text.find_first_of("?# ") != std::string_view::npos) {
    return fmt::format("needs a URL like https://api.openai.com, not '{}'", text);
  }
  command.options.upstream = text;
  return std::nullopt;
}

Problem set_speed(SimCommand& command, std::string_view text) {
  const auto speed = number(text, 0.0, kHuge);
  if (!speed || (*speed > 0 && *speed < 1e-6)) {
    return fmt::format("needs 0 or a number from 1e-06 to {}, not '{}'", kHuge, text);
  }
  command.options.speed = *speed;
  return std::nullopt;
}

constexpr std::uint64_t kMostSeed = std::numeric_limits<std::uint64_t>::max();

// In the order of --help. A preset sets everything about latency and faults, so flags after it refine it.
constexpr std::array kFlags = {
    Flag{"--host", "ADDRESS", "where to listen (127.0.0.1)",
         [](SimCommand& c, std::string_view t) -> Problem {
           c.options.host = t;
           return {};
         }},
    Flag{"--port", "PORT", "where to listen; 0 picks a free port (0)",
         [](SimCommand& c, std::string_view t) {
           return assign(c.options.port, number<std::uint16_t>(t, 0, 65535));
         }},
    Flag{"--tls", "FILE", "serve https with a certificate made now and written to FILE, to be trusted",
         [](SimCommand& c, std::string_view t) -> Problem {
           if (t.empty()) return "needs a file to write to";
           c.options.tls = t;
           return {};
         }},
    Flag{"--no-http2", "", "offer clients no HTTP/2 over TLS",
         [](SimCommand& c, std::string_view) -> Problem {
           c.options.http2 = false;
           return {};
         }},
    Flag{"--seed", "N", "draws latencies and faults anew (0)",
         [](SimCommand& c, std::string_view t) {
           return assign(c.options.seed, number<std::uint64_t>(t, 0, kMostSeed));
         }},
    Flag{"--preset", "NAME", "latency and faults of a good or bad day or an incident", set_preset},
    Flag{"--latency-ms", "MS", "the whole answer after exactly this long; 0 is at once", set_latency},
    Flag{"--first-byte-ms", "MS", "median time to the first byte (600)",
         set_weather<&Weather::first_byte_ms>},
    Flag{"--first-byte-sigma", "S", "sigma of its logarithm (0.32)", set_weather<&Weather::first_byte_sigma>},
    Flag{"--tokens-per-second", "R", "median rate of tokens; 0 sends all at once (90)",
         set_weather<&Weather::tokens_per_second>},
    Flag{"--rate-sigma", "S", "sigma of the rate's logarithm (0.25)", set_weather<&Weather::rate_sigma>},
    Flag{"--straggler-rate", "P", "share of requests that are slower", set_share<&Weather::straggler_rate>},
    Flag{"--straggler-factor", "F", "how many times slower (10)", set_weather<&Weather::straggler_factor>},
    Flag{"--black-hole-rate", "P", "share of requests that are never answered", set_rate<Fault::kBlackHole>},
    Flag{"--error-rate", "P", "share of requests answered 500, 503 or 529", set_share<&Weather::error_rate>},
    Flag{"--reset-rate", "P", "share of requests whose connection is reset", set_rate<Fault::kReset>},
    Flag{"--stream-error-rate", "P", "share of streams with an error in the middle",
         set_rate<Fault::kStreamError>},
    Flag{"--truncation-rate", "P", "share of answers that break off", set_rate<Fault::kTruncated>},
    Flag{"--malformed-rate", "P", "share of answers whose JSON breaks off", set_rate<Fault::kMalformed>},
    Flag{"--stall-rate", "P", "share of answers that pause in the middle", set_rate<Fault::kStall>},
    Flag{"--late-rate", "P", "share of answers that pause before they begin", set_rate<Fault::kLate>},
    Flag{"--trickle-rate", "P", "share of answers that come in small pieces", set_rate<Fault::kTrickle>},
    Flag{"--stall-ms", "MS", "how long these three take (30000)", set_weather<&Weather::stall_ms>},
    Flag{"--bad-gateway-rate", "P", "share of requests answered 502 with a page of HTML",
         set_rate<Fault::kBadGateway>},
    Flag{"--rate-limit-rate", "P", "share of requests answered 429, come again", set_rate<Fault::kRateLimit>},
    Flag{"--slow-down-rate", "P", "share of requests answered 429, slow down", set_rate<Fault::kSlowDown>},
    Flag{"--quota-rate", "P", "share of requests answered that the credit is used up",
         set_rate<Fault::kQuota>},
    Flag{"--spend-limit-rate", "P", "share of requests answered that the spend limit is reached",
         set_rate<Fault::kSpendLimit>},
    Flag{"--slow-read-rate", "P", "share of connections that are read slowly",
         set_share<&Weather::slow_read_rate>},
    Flag{"--slow-read-bytes", "N", "so many bytes a second (10000)",
         [](SimCommand& c, std::string_view t) {
           return assign(c.options.weather.slow_read_bytes, number(t, 1.0, kHuge));
         }},
    Flag{"--faults", "LIST", "faults by order of arrival, such as overloaded@10-20,reset@25", set_faults},
    Flag{"--rpm", "N", "limit of requests per minute, for each key and model",
         set_limit<&Limits::requests_per_minute>},
    Flag{"--tpm", "N", "limit of tokens per minute, for each key and model",
         set_limit<&Limits::tokens_per_minute>},
    Flag{"--itpm", "N", "limit of input tokens per minute, likewise",
         set_limit<&Limits::input_tokens_per_minute>},
    Flag{"--otpm", "N", "limit of output tokens per minute, likewise",
         set_limit<&Limits::output_tokens_per_minute>},
    Flag{"--burst-seconds", "S", "how long these limits may be saved up (60)", set_burst},
    Flag{"--rps", "N", "limit of requests per second that no header tells",
         set_limit<&Limits::requests_per_second>},
    Flag{"--ramp-percent", "P", "how much the number of requests may grow from one stretch to the next",
         [](SimCommand& c, std::string_view t) {
           return assign(c.options.limits.ramp_percent, number(t, 0.0, kHuge));
         }},
    Flag{"--ramp-seconds", "S", "how long a stretch is (60)", set_ramp<&Limits::ramp_seconds>},
    Flag{"--ramp-floor", "N", "requests that every stretch may have (100)", set_ramp<&Limits::ramp_floor>},
    Flag{"--max-concurrency", "N", "limit of requests in flight",
         [](SimCommand& c, std::string_view t) {
           return assign(c.options.limits.concurrency, number<std::int64_t>(t, 1, 1'000'000'000));
         }},
    Flag{"--api-key", "KEY", "the only key accepted (any, and none)",
         [](SimCommand& c, std::string_view t) -> Problem {
           c.options.api_key = t;
           return {};
         }},
    Flag{"--stateful", "", "answers depend on the order of arrival",
         [](SimCommand& c, std::string_view) -> Problem {
           c.options.stateful = true;
           return {};
         }},
    Flag{"--record", "FILE", "forward requests to --upstream and append what they get to FILE",
         [](SimCommand& c, std::string_view t) -> Problem {
           if (t.empty()) return "needs a file to append to";
           c.options.record = t;
           return {};
         }},
    Flag{"--upstream", "URL", "where requests are forwarded to, such as https://api.openai.com", set_upstream},
    Flag{"--replay", "FILE", "answer from the recording FILE alone",
         [](SimCommand& c, std::string_view t) -> Problem {
           if (t.empty()) return "needs a recording to answer from";
           c.options.replay = t;
           return {};
         }},
    Flag{"--speed", "X", "of the replay: 2 halves all times, 0 answers at once (1)", set_speed},
    Flag{"--until-stdin-closes", "", "end when the standard input ends",
         [](SimCommand& c, std::string_view) -> Problem {
           c.until_stdin_closes = true;
           return {};
         }},
    Flag{"--help", "", "print this text",
         [](SimCommand& c, std::string_view) -> Problem {
           c.help = true;
           return {};
         }},
};

const Flag* find_flag(std::string_view name) {
  for (const Flag& flag : kFlags) {
    if (flag.name == name) return &flag;
  }
  return nullptr;
}

// The flags that say something of every server, wherever its answers come from.
constexpr std::array<std::string_view, 10> kOfEveryServer = {
    "--host", "--port",   "--tls",      "--no-http2", "--until-stdin-closes",
    "--help", "--record", "--upstream", "--replay",   "--speed"};

// What is wrong with the flags together.
Problem conflict(const SimCommand& command, std::span<const std::string_view> given) {
  const auto has = [&](std::string_view name) { return std::ranges::find(given, name) != given.end(); };
  const bool record = command.options.record.has_value();
  const bool replay = command.options.replay.has_value();
  if (record && replay) return "--record and --replay exclude each other";
  if (record && !has("--upstream")) return "--record needs --upstream URL, where requests are forwarded to";
  if (!record && has("--upstream")) return "--upstream needs --record FILE, where what comes back is kept";
  if (!replay && has("--speed")) return "--speed needs --replay FILE, whose times it changes";
  if (!record && !replay) return std::nullopt;
  for (const std::string_view name : given) {
    if (std::ranges::find(kOfEveryServer, name) != kOfEveryServer.end()) continue;
    return fmt::format("{} is about answers that the simulator makes itself, so it does not go with {}", name,
                       record ? "--record" : "--replay");
  }
  return std::nullopt;
}

std::unexpected<Error> refuse(std::string message) {
  return std::unexpected(
      Error{.kind = ErrorKind::kUsage, .code = "sim.usage", .message = std::move(message)});
}

}  // namespace

Result<SimCommand> parse_sim_arguments(std::span<const char* const> arguments) {
  SimCommand command;
  std::vector<std::string_view> given;
  for (std::size_t i = 0; i < arguments.size(); ++i) {
    const std::string_view argument = arguments[i];
    const std::size_t equals = argument.find('=');
    const std::string_view name = argument.substr(0, equals);
    const Flag* flag = find_flag(name);
    if (flag == nullptr) return refuse(fmt::format("unknown argument '{}'", argument));
    std::string_view value;
    if (flag->value.empty()) {
      if (equals != std::string_view::npos) return refuse(fmt::format("{} takes no value", name));
    } else if (equals != std::string_view::npos) {
      value = argument.substr(equals + 1);
    } else if (++i < arguments.size()) {
      value = arguments[i];
    } else {
      return refuse(fmt::format("{} needs a value", name));
    }
    if (const Problem problem = flag->set(command, value)) {
      return refuse(fmt::format("{} {}", name, *problem));
    }
    given.push_back(flag->name);
  }
  if (const Problem problem = conflict(command, given)) return refuse(*problem);
  return command;
}

std::string sim_help() {
  std::string out = "usage: xcs sim [flags]\n\nA local server that speaks the OpenAI and Anthropic APIs.\n\n";
  for (const Flag& flag : kFlags) {
    fmt::format_to(std::back_inserter(out), "  {:<28}{}\n", fmt::format("{} {}", flag.name, flag.value),
                   flag.help);
  }
  return out;
}

}  // namespace xcs::sim
