// Random programs of frames, calls, effects and failures, against an interpreter that runs them line by line.
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <memory>
#include <random>

#include "manual_run.h"

namespace xcs::testing {
namespace {

struct Boom : std::runtime_error {
  explicit Boom(int id) : std::runtime_error("boom " + std::to_string(id)), id(id) {}
  int id;
};

struct Line {
  enum Kind : std::uint8_t { kCall, kFailingCall, kThen, kEffect, kFrame, kLook, kCatch, kTranslate, kThrow };
  Kind kind;
  int id;
  std::size_t a = 0, b = 0;  // variables: 0 is the argument, each line adds one
  std::shared_ptr<const std::vector<Line>> body = nullptr;  // kFrame
};
using Code = std::shared_ptr<const std::vector<Line>>;

Code make_code(std::mt19937_64& random, int depth, int& id) {
  std::vector<Line> lines;
  const std::size_t count = 1 + random() % 6;
  for (std::size_t i = 0; i < count; ++i) {
    // Mostly lines that go on; one in twelve throws.
    static constexpr std::array kKinds{Line::kCall,   Line::kCall,      Line::kThen,        Line::kEffect,
                                       Line::kEffect, Line::kFrame,     Line::kFrame,       Line::kLook,
                                       Line::kCatch,  Line::kTranslate, Line::kFailingCall, Line::kThrow};
    Line line{.kind = kKinds.at(random() % kKinds.size()),
              .id = ++id,
              .a = random() % (i + 1),
              .b = random() % (i + 1)};
    if (line.kind == Line::kThrow && random() % 3 != 0) line.kind = Line::kCall;
    if (line.kind == Line::kFrame) {
      if (depth == 0) {
        line.kind = Line::kCall;
      } else {
        line.body = make_code(random, depth - 1, id);
      }
    }
    lines.push_back(std::move(line));
  }
  return std::make_shared<const std::vector<Line>>(std::move(lines));
}

int call_result(int id, int argument) { return (id * 31 + argument * 7) % 1000; }
std::string effect_text(int id, int argument) { return std::to_string(id) + ":" + std::to_string(argument); }

// What can be observed of a run.
struct Observation {
  std::vector<std::string> effects;
  int result = 0;     // unless it failed
  int exception = 0;  // 0: none
  bool operator==(const Observation&) const = default;
};

// Line by line. A failure is remembered with its place; it counts unless it was handled.
class Oracle {
 public:
  Observation run(const Code& code) {
    const Result last = frame(code, {.value = 1});
    Observation seen;
    const auto first = std::ranges::find_if(failures_, [](const Failed& f) { return !f.handled; });
    const std::size_t end = first == failures_.end() ? place_ : first->place;
    for (const auto& [place, text] : effects_)
      if (place < end) seen.effects.push_back(text);
    if (first != failures_.end()) {
      seen.exception = first->exception;
    } else {
      seen.result = last.value;
    }
    return seen;
  }

 private:
  struct Failed {
    std::size_t place;
    int exception;
    int origin;  // index of the failure that was passed on, or -1
    bool handled = false;
  };
  struct Result {
    int value = 0;
    int failure = -1;  // index
  };

  Result fail(int exception, int origin) {
    failures_.push_back({place_++, exception, origin});
    return {.failure = static_cast<int>(failures_.size()) - 1};
  }
  Result pass_on(const Result& failed) { return fail(failures_[failed.failure].exception, failed.failure); }
  void handle(const Result& failed) {
    for (int f = failed.failure; f >= 0; f = failures_[f].origin) failures_[f].handled = true;
  }

  Result frame(const Code& code, Result argument) {
    std::vector<Result> vars{argument};
    for (const Line& line : *code) {
      const Result a = vars[line.a], b = vars[line.b];
      Result result;
      switch (line.kind) {
        case Line::kFailingCall:
          result = a.failure >= 0 ? pass_on(a) : fail(line.id, -1);
          break;
        case Line::kCall:
          result = a.failure >= 0 ? pass_on(a) : Result{.value = call_result(line.id, a.value)};
          break;
        case Line::kThen:
          result = a.failure >= 0   ? pass_on(a)
                   : b.failure >= 0 ? pass_on(b)
                                    : Result{.value = a.value + b.value};
          break;
        case Line::kEffect:
          if (a.failure >= 0) {
            pass_on(a);
          } else {
            effects_.emplace_back(place_++, effect_text(line.id, a.value));
          }
          break;
        case Line::kFrame:
          result = frame(line.body, a);
          break;
        case Line::kLook:
          if (a.failure >= 0) return pass_on(a);
          result = a;
          break;
        case Line::kCatch:
          if (a.failure >= 0) handle(a);
          result = a.failure >= 0 ? Result{.value = line.id} : a;
          break;
        case Line::kTranslate:
          if (a.failure >= 0) {
            handle(a);
            return fail(line.id, -1);
          }
          result = a;
          break;
        case Line::kThrow:
          return fail(line.id, -1);
      }
      vars.push_back(result);
    }
    if (vars.back().failure >= 0) return pass_on(vars.back());
    return vars.back();
  }

  std::size_t place_ = 0;
  std::vector<Failed> failures_;
  std::vector<std::pair<std::size_t, std::string>> effects_;
};

Value<int> run_frame(Code code, Value<int> argument, std::vector<std::string>* effects) {
  std::vector<Value<int>> vars{argument};
  for (const Line& line : *code) {
    const Value<int> a = vars[line.a];
    std::optional<Value<int>> result;
    const int id = line.id;
    switch (line.kind) {
      case Line::kFailingCall:
        result = op([id](int) -> int { throw Boom(id); }, independent)(a);
        break;
      case Line::kCall:
        result = op([id](int n) { return call_result(id, n); }, independent)(a);
        break;
      case Line::kThen:
        result = then([](int x, int y) { return x + y; }, a, vars[line.b]);
        break;
      case Line::kEffect:
        effect([id, effects](int n) { effects->push_back(effect_text(id, n)); }, a);
        result = Value<int>(0);
        break;
      case Line::kFrame:
        result = run_frame(line.body, a, effects);
        break;
      case Line::kLook:
        result = Value<int>(co_await a);
        break;
      case Line::kCatch:
      case Line::kTranslate: {
        bool failed = false;
        try {
          result = Value<int>(co_await a);
        } catch (const Boom&) {
          failed = true;
          if (line.kind == Line::kTranslate) throw Boom(id);
        }
        if (failed) result = Value<int>(id);
        break;
      }
      case Line::kThrow:
        throw Boom(id);
    }
    vars.push_back(*result);
  }
  co_return co_await vars.back();
}

Observation observe(const Code& code, std::uint64_t seed, const runtime::DoorOptions& options) {
  Observation seen;
  ManualRun run(seed, options);
  try {
    seen.result = run([code, effects = &seen.effects] { return run_frame(code, Value<int>(1), effects); });
  } catch (const Boom& e) {
    seen.exception = e.id;
  }
  EXPECT_EQ(run.executor.running(), 0U);
  return seen;
}

TEST(RandomPrograms, GiveTheSequentialObservationInEveryOrderOfCompletion) {
  int failed = 0;
  for (std::uint64_t program = 0; program < 3000; ++program) {
    std::mt19937_64 random(program);
    int id = 0;
    const Code code = make_code(random, 4, id);
    const Observation expected = Oracle().run(code);
    failed += expected.exception != 0 ? 1 : 0;
    for (std::uint64_t seed = 0; seed < 4; ++seed)
      ASSERT_EQ(observe(code, seed, {}), expected) << "program " << program << ", order " << seed;
    ASSERT_EQ(observe(code, 0, {.window = {.max_in_flight = 1}}), expected) << "program " << program;
    ASSERT_EQ(observe(code, 1, {.window = {.max_in_flight = 2, .window = 2}}), expected)
        << "program " << program;
    ASSERT_EQ(observe(code, 0, {.sequential = true}), expected) << "program " << program;
  }
  EXPECT_GT(failed, 300);
  EXPECT_LT(failed, 2700);
}

}  // namespace
}  // namespace xcs::testing
