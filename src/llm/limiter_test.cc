// The limiter against providers in virtual time.
#include "llm/limiter.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <functional>
#include <queue>
#include <random>
#include <vector>

namespace xcs::llm {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using FloatSeconds = std::chrono::duration<double>;

constexpr Need kOneRequest = {1, 0, 0, 0};

TimePoint at(double s) { return TimePoint(std::chrono::duration_cast<Duration>(FloatSeconds(s + 1000))); }

// A provider: buckets that refill continuously, a limit of requests in flight, one latency.
struct Provider {
  double requests_per_minute = 1e9;
  double tokens_per_minute = 1e9;
  double burst_seconds = 60;
  int most_in_flight = 1'000'000;
  double latency = 1;
  double on_the_way = 0.02;
  double named_seconds = 60;  // the span of time that its limits are named for
  bool names_limits = true;
  bool names_delay = true;
  double output_tokens_per_minute =
      0;                // Anthropic's way of counting; tokens_per_minute is then for the input
  int stray_every = 0;  // refuses each so many-th call for no reason
  std::function<bool(double now)> down = [](double) { return false; };
};

// Sends `calls` calls of `tokens` tokens each, as soon as the limiter lets them go, and repeats refused ones.
class Simulation {
 public:
  Simulation(Provider provider, int calls, double tokens, double output = 0)
      : provider_(std::move(provider)), left_(calls), tokens_(tokens), output_(output) {
    output_level_ = provider_.output_tokens_per_minute * provider_.burst_seconds / 60;
    request_level_ = provider_.requests_per_minute * provider_.burst_seconds / 60;
    token_level_ = provider_.tokens_per_minute * provider_.burst_seconds / 60;
  }

  void run(double until = 1e9) {
    double now = 0;
    while ((left_ > 0 || !events_.empty()) && now < until) {
      double next = events_.empty() ? 1e9 : events_.top().at;
      while (left_ > 0) {
        const auto begun = limiter.try_begin(need(), at(now));
        if (!begun) {
          if (begun.error() != Duration::max())
            next = std::min(next, now + FloatSeconds(begun.error()).count());
          break;
        }
        --left_;
        ++sent;
        in_flight_most = std::max(in_flight_most, limiter.in_flight());
        events_.push({now + provider_.on_the_way, *begun, true, {}});
        next = std::min(next, events_.top().at);
      }
      now = std::max(now, next);
      while (!events_.empty() && events_.top().at <= now) take_event(now);
    }
    finished_at = now;
  }

  Limiter limiter;
  int sent = 0, answered = 0, refused = 0, refused_after_first_answer = 0, in_flight_most = 0;
  double finished_at = 0;

 private:
  struct Event {
    double at;
    Begun begun;
    bool arrives;
    LimitReports reports;
    Outcome outcome = Outcome::kSuccess;
    std::optional<Duration> delay = {};
    bool operator<(const Event& other) const { return at > other.at; }
  };

  bool counts_apart() const { return provider_.output_tokens_per_minute > 0; }
  Need need() const { return counts_apart() ? Need{1, 0, tokens_, output_} : Need{1, tokens_, 0, 0}; }

  void take_event(double now) {
    Event event = events_.top();
    events_.pop();
    if (event.arrives) {
      admit(event, now);
      events_.push(event);
      return;
    }
    limiter.learn(event.begun, event.reports, at(now));
    limiter.end({.outcome = event.outcome, .server_delay = event.delay}, at(now));
    if (event.outcome == Outcome::kSuccess) {
      --at_work_;
      ++answered;
    } else {
      ++left_;
    }
  }

  void admit(Event& event, double now) {
    const double passed = (now - refilled_) / 60;
    refilled_ = now;
    const double minutes = provider_.burst_seconds / 60;
    request_level_ = std::min(request_level_ + passed * provider_.requests_per_minute,
                              std::max(1.0, provider_.requests_per_minute * minutes));
    token_level_ =
        std::min(token_level_ + passed * provider_.tokens_per_minute, provider_.tokens_per_minute * minutes);
    output_level_ = std::min(output_level_ + passed * provider_.output_tokens_per_minute,
                             provider_.output_tokens_per_minute * minutes);
    event.arrives = false;
    event.at = now + provider_.on_the_way;
    ++arrived_;
    if (provider_.down(now)) {
      event.outcome = Outcome::kTrouble;
    } else if (at_work_ >= provider_.most_in_flight) {
      event.outcome = Outcome::kTooMany;
    } else if (provider_.stray_every > 0 && arrived_ % provider_.stray_every == 0) {
      event.outcome = Outcome::kRateLimit;
      event.delay = milliseconds(50);
    } else if (request_level_ < 1 - 1e-9 || token_level_ < tokens_ - 1e-9 ||
               (counts_apart() && output_level_ < 1 - 1e-9)) {
      event.outcome = Outcome::kRateLimit;
      double wait = std::max((1 - request_level_) / provider_.requests_per_minute,
                             (tokens_ - token_level_) / provider_.tokens_per_minute);
      if (counts_apart()) wait = std::max(wait, (1 - output_level_) / provider_.output_tokens_per_minute);
      if (provider_.names_delay) event.delay = std::chrono::ceil<milliseconds>(FloatSeconds(wait * 60));
    } else {
      request_level_ -= 1;
      token_level_ -= tokens_;
      output_level_ -= output_;
      ++at_work_;
      event.at = now + provider_.latency;
    }
    if (provider_.names_limits) report(event);
    if (event.outcome != Outcome::kRateLimit && event.outcome != Outcome::kTooMany) return;
    ++refused;
    refused_after_first_answer += answered > 0;
  }

  void report(Event& event) const {
    const double seconds = provider_.named_seconds;
    const auto one = [seconds](double per_minute, double level) {
      const double limit = per_minute * seconds / 60;
      return LimitReport{
          .limit = limit,
          .remaining = std::floor(std::max(0.0, level)),
          .full_after = std::chrono::ceil<milliseconds>(FloatSeconds((limit - level) / limit * seconds)),
          .resolution = milliseconds(1),
          .grain = 1};
    };
    // As Anthropic tells it: when it is full in whole seconds, what remains of tokens in thousands.
    const auto coarse = [&](double per_minute, double level, double grain) {
      LimitReport report = one(per_minute, level);
      report.remaining = grain * std::round(report.remaining / grain);
      const double missing = per_minute * provider_.burst_seconds / 60 - level;
      report.full_after = std::chrono::ceil<std::chrono::seconds>(FloatSeconds(missing / per_minute * 60));
      report.resolution = std::chrono::seconds(1);
      report.grain = grain;
      return report;
    };
    if (counts_apart()) {
      event.reports[0] = coarse(provider_.requests_per_minute, request_level_, 1);
      event.reports[2] = coarse(provider_.tokens_per_minute, token_level_, 1000);
      event.reports[3] = coarse(provider_.output_tokens_per_minute, output_level_, 1000);
      return;
    }
    event.reports[0] = one(provider_.requests_per_minute, request_level_);
    event.reports[1] = one(provider_.tokens_per_minute, token_level_);
  }

  const Provider provider_;
  int left_;
  const double tokens_, output_;
  double request_level_ = 0, token_level_ = 0, output_level_ = 0, refilled_ = 0;
  int arrived_ = 0;
  int at_work_ = 0;
  std::priority_queue<Event> events_;
};

TEST(Limiter, NothingIsRefusedOnceThePaceIsKnown) {
  for (const double rpm : {50.0, 500.0, 5000.0}) {
    const int calls = static_cast<int>(rpm * 4);
    Simulation s({.requests_per_minute = rpm}, calls, 10);
    s.run();
    EXPECT_EQ(s.answered, calls);
    EXPECT_EQ(s.refused_after_first_answer, 0) << rpm;
    // The first minute's worth is there at once, the rest comes at the provider's pace.
    EXPECT_LT(s.finished_at, 3.3 * 60) << rpm;
    EXPECT_GT(s.finished_at, 2.8 * 60) << rpm;
  }
}

TEST(Limiter, TokensArePacedLikeRequests) {
  Simulation s({.tokens_per_minute = 100'000}, 400, 1000);
  s.run();
  EXPECT_EQ(s.refused_after_first_answer, 0);
  EXPECT_LT(s.finished_at, 3.3 * 60);
}

// What four minutes allow, of each kind of limit that may bind, whatever is saved up.
TEST(Limiter, NineTenthsOfWhatAnthropicAllowsAreUsed) {
  struct Limits {
    double requests, input, output, saved_up;
  };
  for (const auto& [requests, input, output, saved_up] :
       {Limits{50, 1e9, 1e9, 60}, Limits{4000, 30'000, 1e9, 60}, Limits{4000, 1e9, 8'000, 60},
        Limits{4000, 2e6, 400'000, 60}, Limits{1000, 450'000, 90'000, 60}, Limits{1000, 450'000, 90'000, 5},
        Limits{4000, 80'000, 1e9, 5}, Limits{4000, 1e9, 16'000, 5}, Limits{4000, 2e6, 400'000, 1}}) {
    constexpr double kTokens = 300;
    constexpr double kOutput = 120;
    const double per_minute = std::min({requests, input / kTokens, output / kOutput});
    const int calls = static_cast<int>(per_minute * (4 + saved_up / 60));
    Simulation s({.requests_per_minute = requests,
                  .tokens_per_minute = input,
                  .burst_seconds = saved_up,
                  .latency = 3,
                  .output_tokens_per_minute = output},
                 calls, kTokens, kOutput);
    s.run();
    EXPECT_EQ(s.answered, calls);
    EXPECT_LT(s.finished_at, 4 * 60 / 0.9 + 3);
    EXPECT_LE(s.refused_after_first_answer, s.sent / 100);
  }
}

TEST(Limiter, ARefusalAmongThousandsHoldsNobodyBack) {
  const auto seconds_for = [](int stray_every, bool names_limits) {
    Simulation s({.latency = 0.25, .names_limits = names_limits, .stray_every = stray_every}, 200'000, 10);
    s.run();
    return s.finished_at;
  };
  for (const bool names_limits : {false, true}) {
    const double undisturbed = seconds_for(0, names_limits);
    EXPECT_LT(seconds_for(5000, names_limits), 1.3 * undisturbed + 5);
  }
}

TEST(Limiter, ALimitPerSecondIsNotTakenForOnePerMinute) {
  for (const double rate : {1.0, 4.0, 10.0, 200.0}) {
    const int calls = static_cast<int>(rate * 60);
    Simulation s({.requests_per_minute = 60 * rate, .burst_seconds = 1, .named_seconds = 1}, calls, 10);
    s.run();
    EXPECT_EQ(s.answered, calls);
    EXPECT_LE(s.refused, 20 + calls / 100) << rate;
    EXPECT_LT(s.finished_at, 90) << rate;
  }
}

TEST(Limiter, SlowAnswersDoNotSlowThePace) {
  Simulation s({.requests_per_minute = 600, .latency = 30}, 2400, 10);
  s.run();
  EXPECT_EQ(s.refused_after_first_answer, 0);
  EXPECT_LT(s.finished_at, 4.5 * 60);
}

TEST(Limiter, AProviderThatSavesNothingUpRefusesFew) {
  Simulation s({.requests_per_minute = 600, .burst_seconds = 1}, 3000, 10);
  s.run();
  EXPECT_LT(s.refused, 150);
  EXPECT_LT(s.finished_at, 5.6 * 60);
}

TEST(Limiter, WithoutHeadersTheNumberInFlightSettlesBelowWhatIsRefused) {
  Simulation s({.requests_per_minute = 1200, .burst_seconds = 2, .names_limits = false}, 12'000, 10);
  s.run();
  EXPECT_EQ(s.answered, 12'000);
  EXPECT_LT(s.refused, 600);
  EXPECT_LT(s.finished_at, 20 * 60);
}

TEST(Limiter, ALimitOfRequestsInFlightIsFoundAtOnce) {
  Simulation s({.most_in_flight = 5, .names_limits = false}, 500, 10);
  s.run();
  EXPECT_EQ(s.answered, 500);
  EXPECT_LT(s.refused, 40);
  EXPECT_LT(s.finished_at, 120);
}

TEST(Limiter, AHealthyProviderIsUsedFullyAfterAFewRounds) {
  Simulation s({.names_limits = false}, 20'000, 10);
  s.run();
  EXPECT_EQ(s.refused, 0);
  EXPECT_LT(s.finished_at, 12) << "20, 40, 80, ... calls a second";
}

TEST(Limiter, TroubleOfTheServerNeverCutsAndHoldsGrowthBack) {
  Concurrency c;
  const int before = c.limit();
  for (int i = 0; i < 1000; ++i) c.on_server_trouble();
  EXPECT_EQ(c.limit(), before);
}

void succeed(Concurrency& c, int times, TimePoint now, bool first_attempt = true) {
  for (int i = 0; i < times; ++i) {
    c.on_begin(c.limit());
    c.on_success(first_attempt, false, now);
  }
}

TEST(Concurrency, ACleanRoundDoublesUntilTheFirstRefusalAndThenAddsAFewPercent) {
  Concurrency c;
  succeed(c, 20, at(0));
  EXPECT_EQ(c.limit(), 40);
  EXPECT_TRUE(c.on_rate_limit({}, at(1)));
  EXPECT_EQ(c.limit(), 32);
  succeed(c, 32, at(17));
  EXPECT_EQ(c.limit(), 33);
}

TEST(Concurrency, AnEpisodeCutsOnce) {
  Concurrency c;
  EXPECT_TRUE(c.on_rate_limit({}, at(0)));
  EXPECT_FALSE(c.on_rate_limit({}, at(14)));
  EXPECT_EQ(c.limit(), 16);
  EXPECT_TRUE(c.on_rate_limit(seconds(60), at(16)));
  EXPECT_FALSE(c.on_rate_limit({}, at(70))) << "the provider's own pause is longer";
  EXPECT_TRUE(c.on_rate_limit({}, at(80)));
}

TEST(Concurrency, HeadroomThatIsNotUsedDoesNotGrow) {
  Concurrency c;
  for (int i = 0; i < 1000; ++i) {
    c.on_begin(15);
    c.on_success(true, false, at(i));
  }
  EXPECT_EQ(c.limit(), 20);
}

TEST(Concurrency, SuccessesAfterARetryOrDuringAnEpisodeCountForNothing) {
  Concurrency c;
  succeed(c, 100, at(0), false);
  EXPECT_EQ(c.limit(), 20);
  c.on_rate_limit({}, at(1));
  succeed(c, 100, at(2));
  EXPECT_EQ(c.limit(), 16);
}

TEST(Limiter, ARefusalClosesTheGroupForTheTimeTheProviderNames) {
  Limiter limiter;
  ASSERT_TRUE(limiter.try_begin(kOneRequest, at(0)));
  limiter.end({.outcome = Outcome::kRateLimit, .server_delay = seconds(7)}, at(1));
  const auto later = limiter.try_begin(kOneRequest, at(3));
  ASSERT_FALSE(later);
  EXPECT_EQ(later.error(), seconds(5));
  EXPECT_TRUE(limiter.try_begin(kOneRequest, at(8)));
}

TEST(Limiter, WithoutAnAnnouncedDelayThePauseDoublesFromEpisodeToEpisode) {
  Limiter limiter;
  double now = 0;
  for (const double pause : {1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 60.0, 60.0}) {
    ASSERT_TRUE(limiter.try_begin(kOneRequest, at(now)));
    limiter.end({.outcome = Outcome::kRateLimit}, at(now));
    const auto left = limiter.try_begin(kOneRequest, at(now));
    ASSERT_FALSE(left);
    EXPECT_EQ(left.error(), std::chrono::duration_cast<Duration>(FloatSeconds(pause)));
    now += 100;
  }
}

TEST(Limiter, SlowDownHalvesTheRateAndLetsItGrowByHalfInAQuarterOfAnHour) {
  Limiter limiter;
  double now = 0;
  // Ten a second for two minutes.
  const auto rate_over = [&](double span) {
    const double end = now + span;
    int count = 0;
    while (now < end) {
      const auto begun = limiter.try_begin(kOneRequest, at(now));
      if (begun) {
        ++count;
        limiter.end({.outcome = Outcome::kSuccess}, at(now));
        now += 0.1;
      } else {
        now += FloatSeconds(begun.error()).count();
      }
    }
    return count / span;
  };
  EXPECT_NEAR(rate_over(120), 10, 0.2);
  ASSERT_TRUE(limiter.try_begin(kOneRequest, at(now)));
  limiter.end({.outcome = Outcome::kSlowDown, .server_delay = seconds(1)}, at(now));
  now += 1;
  EXPECT_NEAR(rate_over(60), 5, 0.5);
  now += 840;
  EXPECT_NEAR(rate_over(30), 7.5, 0.5);
  now += 3600;
  EXPECT_NEAR(rate_over(30), 10, 0.5) << "no longer held back";
}

TEST(Limiter, ACallLargerThanTheWholeLimitWaitsForAFullOneAndGoes) {
  Limiter limiter;
  const auto first = limiter.try_begin({1, 10, 0, 0}, at(0));
  ASSERT_TRUE(first);
  LimitReports reports;
  reports[1] = LimitReport{.limit = 1000, .remaining = 500};
  limiter.learn(*first, reports, at(0));
  limiter.end({.outcome = Outcome::kSuccess}, at(0));
  const auto big = limiter.try_begin({1, 5000, 0, 0}, at(0));
  ASSERT_FALSE(big);
  EXPECT_NEAR(FloatSeconds(big.error()).count(), 30, 1);
  EXPECT_TRUE(limiter.try_begin({1, 5000, 0, 0}, at(31)));
}

TEST(Limiter, DailyLimitsComeBackOverADay) {
  Limiter limiter;
  const auto first = limiter.try_begin(kOneRequest, at(0));
  LimitReports reports;
  reports[0] = LimitReport{
      .limit = 200, .remaining = 0, .full_after = std::chrono::hours(24), .resolution = milliseconds(1)};
  limiter.learn(*first, reports, at(0));
  limiter.end({.outcome = Outcome::kSuccess}, at(0));
  const auto next = limiter.try_begin(kOneRequest, at(1));
  ASSERT_FALSE(next);
  EXPECT_GT(next.error(), seconds(400));
}

TEST(Limiter, RandomProvidersNeverGetAStorm) {
  for (unsigned seed = 1; seed <= 40; ++seed) {
    std::minstd_rand random(seed);
    const auto draw = [&](double low, double high) {
      return low * std::pow(high / low, std::generate_canonical<double, 32>(random));
    };
    const double rpm = draw(60, 20'000);
    Simulation s({.requests_per_minute = rpm,
                  .tokens_per_minute = draw(rpm * 50, rpm * 500),
                  .latency = draw(0.05, 20)},
                 static_cast<int>(3 * rpm), 100);
    s.run();
    EXPECT_EQ(s.answered, static_cast<int>(3 * rpm)) << seed;
    EXPECT_LE(s.refused_after_first_answer, s.sent / 100) << "seed " << seed << ", rpm " << rpm;
  }
}

}  // namespace
}  // namespace xcs::llm
