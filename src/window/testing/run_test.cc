// One expectation per rule of the window, on programs small enough to follow by hand. A call takes one unit
// of time unless a test says otherwise, so the time a run takes is the length of its longest chain of waits.
#include "window/run.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "window/testing/checker.h"
#include "window/testing/virtual_executor.h"

namespace xcs::window::toy {
namespace {

using ::testing::ElementsAre;
using ::testing::StartsWith;

struct Ran {
  Scenario scenario;  // to which the sites refer
  std::string state;
  std::vector<std::string> log, calls;
  Counters counters;
  std::vector<Site> sites;
  std::int64_t time = 0;
};

struct Latency {
  std::string call;
  std::int64_t units;
};

// Runs the programs, main first, and compares the observation with sequential execution.
Ran run(const std::vector<std::string>& texts, const Options& options = {},
        const std::vector<Latency>& latencies = {}) {
  const Scenario s = scenario(texts);
  const auto e = expected(s, kMostSteps);
  Ran ran;
  World world;
  VirtualExecutor executor(1, 1, options.max_in_flight);
  for (const Latency& l : latencies) executor.set_latency(l.call, l.units);
  {
    const Enter enter = prepare(s, world);
    ToyHost host(world);
    Run r(host, executor, options);
    const Outcome outcome = r.call(enter);
    ran = {s,
           state(world, outcome, enter.slots),
           world.log,
           executor.started(),
           r.counters(),
           r.sites(),
           executor.now()};
  }
  EXPECT_EQ(executor.running(), 0U);
  EXPECT_EQ(ran.state, e->state);
  EXPECT_EQ(ran.log, e->log);
  EXPECT_EQ(world.leaked(), 0U);
  return ran;
}

std::string main_program(std::string_view body) {
  return fmt::format("program \"main\" ()\nbody {{\n{}}}\n", body);
}
Ran run_main(std::string_view body, const Options& options = {}, const std::vector<Latency>& latencies = {}) {
  return run({main_program(body)}, options, latencies);
}

// The smallest number for which `risky` raises, or does not.
int risky_number(bool raises, int from = 1) {
  World world;
  for (int i = from;; ++i) {
    const Value argument = world.integer(i);
    if (answer(world, Builtin::kRisky, {&argument, 1}).raised == raises) return i;
  }
}

// The smallest number that `ask` answers with something true, or not.
int asked_number(bool yes, int from = 1) {
  World world;
  for (int i = from;; ++i) {
    const Value argument = world.integer(i);
    if ((toy(answer(world, Builtin::kAsk, {&argument, 1}).value).number != 0) == yes) return i;
  }
}

Options without_forwarding() {
  Options o;
  o.forward = false;
  return o;
}

Options without_summaries() {
  Options o;
  o.summaries = false;
  return o;
}

constexpr std::string_view kNames = R"(
  %ask = load_global ask
  %risky = load_global risky
  %print = load_global print
  %len = load_global len
  %one = const 1
  %two = const 2
)";

std::string with_names(std::string_view body) { return std::string(kNames) + std::string(body); }

TEST(Issue, CallsThatDoNotDependOnEachOtherOverlap) {
  const Ran ran = run_main(with_names(R"(
  %a = call %ask(%one)
  %b = call %ask(%two)
  %c = eval operator "a + b" (%a, %b)
  return %c
)"));
  EXPECT_EQ(ran.time, 1);
  EXPECT_EQ(ran.counters.rounds, 1U);
  EXPECT_EQ(ran.counters.most_in_flight, 2U);
}

TEST(Issue, ACallWaitsForTheAnswerItIsGiven) {
  const Ran ran = run_main(with_names(R"(
  %a = call %ask(%one)
  %b = call %ask(%a)
  %c = call %ask(%b)
  %d = call %ask(%two)
)"));
  EXPECT_EQ(ran.time, 3);
  EXPECT_EQ(ran.counters.rounds, 3U);
  EXPECT_EQ(ran.counters.calls, 4U);
}

TEST(Issue, EqualCallsAndUnusedResultsAreCallsOfTheirOwn) {
  const Ran ran = run_main(with_names(R"(
  call %ask(%one)
  call %ask(%one)
  %a = call %ask(%one)
)"));
  EXPECT_THAT(ran.calls, ElementsAre("ask(1;)", "ask(1;)", "ask(1;)"));
}

TEST(Issue, ArgumentsAreFrozenWhereTheCallStands) {
  const Ran ran = run_main(with_names(R"(
  %l = eval display "[a]" (a=%one)
  %a = call %ask(%l)
  append %l, %a
  %b = call %ask(%one)
  %x = call %ask(%l)
  call_method %l.clear()
)"));
  EXPECT_EQ(ran.calls.front(), "ask([1 ];)");
  EXPECT_EQ(ran.time, 2);
}

TEST(Issue, NoMoreRunThanMayAndTheRestFollows) {
  Options two;
  two.max_in_flight = 2;
  const Ran ran = run_main(with_names(R"(
  call %ask(%one)
  call %ask(%two)
  call %ask(%one)
  call %ask(%two)
  call %ask(%one)
)"),
                           two);
  EXPECT_EQ(ran.counters.most_in_flight, 2U);
  EXPECT_EQ(ran.time, 3);
}

TEST(Issue, TheSiteSaysHowManyCallsStartedEarly) {
  const Ran ran = run_main(with_names(R"(
  %a = call %ask(%one)  @10:0-1
  %b = call %ask(%two)  @11:0-1
  call %print(%a)  @12:0-1
)"));
  ASSERT_EQ(ran.sites.size(), 3U);
  EXPECT_EQ(ran.sites[0].issued, 1U);
  EXPECT_EQ(ran.sites[0].early, 0U);
  EXPECT_EQ(ran.sites[1].early, 1U);
  EXPECT_EQ(ran.sites[2].node->position.line, 12);
  EXPECT_EQ(ran.sites[2].in_order, 1U);
}

constexpr std::string_view kLoop = R"(
  %range = load_global range
  %four = const 4
  %r = call %range(%four)
  %i = iter %r
)";

std::string with_loop(std::string_view body) { return with_names(std::string(kLoop) + std::string(body)); }

TEST(Frames, LoopBodiesThatBranchOnTheirAnswersOverlap) {
  const Ran ran = run_main(with_loop(R"(
  for %x in %i {
    %a = call %ask(%x)
    if %a {
      call %ask(%a)
    } else {
      call %ask(%two)
    }
    call %print(%x, %a)
  }
)"));
  EXPECT_EQ(ran.time, 2);
  EXPECT_EQ(ran.log.size(), 4U);
}

TEST(Frames, TheParentGoesOnPastABlockedBranch) {
  const Ran ran = run_main(with_names(R"(
  %a = call %ask(%one)
  if %a {
    %b = call %ask(%a)
  }
  %c = call %ask(%two)
  return %c
)"));
  EXPECT_EQ(ran.calls[1], "ask(2;)");
}

TEST(Frames, NothingIsStartedPastABranchThatMayReturn) {
  const Ran ran = run_main(with_names(fmt::format(R"(
  %n = const {}
  %a = call %ask(%n)
  if %a {{
    return %a
  }}
  %c = call %ask(%two)
)",
                                                  asked_number(true))));
  EXPECT_EQ(ran.calls.size(), 1U);
}

TEST(Frames, ALoopThatBreaksOnAnAnswerStartsNoCallItWouldNotReach) {
  const Ran ran = run_main(with_loop(R"(
  for %x in %i {
    %a = call %ask(%x)
    if %a {
      break
    }
  }
)"));
  EXPECT_EQ(ran.time, static_cast<std::int64_t>(ran.calls.size()));
}

TEST(Frames, AValueCarriedThroughTheLoopStaysPending) {
  const Ran ran = run_main(with_loop(R"(
  %s = const 0
  for %x in %i {
    %a = call %ask(%x)
    %s = eval operator "a + b" (a=%s, b=%a)
  }
  %b = call %ask(%s)
  return %b
)"));
  EXPECT_EQ(ran.time, 2);
  EXPECT_EQ(ran.counters.calls, 5U);
}

TEST(Frames, AVariableThatABranchMayAssignIsEitherValueAfterIt) {
  for (const bool yes : {true, false}) {
    const Ran ran = run_main(with_names(fmt::format(R"(
  %n = const {}
  %x = move %one
  %a = call %ask(%n)
  if %a {{
    %x = move %two
  }}
  %c = call %ask(%x)
)",
                                                    asked_number(yes))));
    EXPECT_EQ(ran.calls[1], yes ? "ask(2;)" : "ask(1;)");
    EXPECT_EQ(ran.time, 2);
  }
}

TEST(Frames, FunctionsAreEnteredAndOverlap) {
  const Ran ran = run({main_program(with_loop(R"(
  %out = eval display "[]" ()
  %f = load_global f
  for %x in %i {
    call %f(%out, %x)
  }
  return %out
)")),
                       R"(program "f" (%out, %x)
body {
  %ask = load_global ask
  %a = call %ask(%x)
  call_method %out.append(%a)
}
)"});
  EXPECT_EQ(ran.time, 1);
}

TEST(Frames, RecursionEndsWhereTheHostSaysSo) {
  const Ran ran = run({main_program("  %f = load_global f\n  %x = call %f()\n"), R"(program "f" ()
body {
  %f = load_global f
  %x = call %f()
}
)"});
  EXPECT_THAT(ran.state, StartsWith("raised 0:5{RecursionError: too deep trace [f:0"));
}

TEST(Window, HoldsNoMoreEntriesThanAllowed) {
  Options small;
  small.window = 3;
  const std::string body = with_loop(R"(
  for %x in %i {
    call %print(%x)
    call %ask(%x)
    call %print(%x)
    call %ask(%x)
  }
)");
  EXPECT_LE(run_main(body, small).counters.most_entries, 4U);
  EXPECT_GT(run_main(body).counters.most_entries, 10U);
}

TEST(Commit, EffectsHappenInOrderWhateverCompletesFirst) {
  const Ran ran = run_main(with_names(R"(
  %a = call %ask(%one)
  call %print(%one, %a)
  %b = call %ask(%two)
  call %print(%two, %b)
)"),
                           {}, {{"ask(1;)", 9}, {"ask(2;)", 1}});
  EXPECT_EQ(ran.time, 9);
  ASSERT_EQ(ran.log.size(), 2U);
  EXPECT_THAT(ran.log[0], StartsWith("1 "));
}

TEST(Memory, LengthAfterPendingAppendsIsForwarded) {
  const std::string body = with_names(R"(
  %l = eval display "[]" ()
  %a = call %ask(%one)
  append %l, %a
  append %l, %two
  %n = call %len(%l)
  %b = call %ask(%n)
)");
  const Ran ran = run_main(body);
  EXPECT_EQ(ran.time, 1);
  EXPECT_GT(ran.counters.forwards, 0U);
  EXPECT_EQ(run_main(body, without_forwarding()).time, 2);
}

TEST(Memory, AnElementThatIsStillPendingIsForwardedAsItIs) {
  const Ran ran = run_main(with_names(R"(
  %l = eval display "[]" ()
  %a = call %ask(%one)
  append %l, %a
  %zero = const 0
  %x = load_item %l, %zero
  append %l, %x
  %n = call %len(%l)
  %b = call %ask(%n)
  %c = call %ask(%x)
)"));
  EXPECT_EQ(ran.time, 2);
  EXPECT_EQ(ran.calls[1], "ask(2;)");
}

TEST(Memory, JoiningWaitsForTheAnswersAndNotForTheirCommits) {
  const Ran ran = run_main(with_names(R"(
  %slow = const 3
  call %ask(%slow)
  %l = eval display "[]" ()
  %a = call %ask(%one)
  call_method %l.append(%a)
  %join = load_global join
  %t = call %join(%l)
  %b = call %ask(%t)
)"),
                           {}, {{"ask(3;)", 10}});
  EXPECT_EQ(ran.time, 10);
}

TEST(Memory, StoresToWhatOnlyThisCodeCanReachHappenAtOnce) {
  const Ran ran = run_main(with_names(R"(
  call %ask(%one)
  %l = eval display "[]" ()
  append %l, %one
  append %l, %two
  call %print(%l)
)"));
  EXPECT_EQ(ran.counters.entries, 2U);  // ask and print
  EXPECT_EQ(ran.counters.forwards, 0U);
}

TEST(Memory, StoresToWhatAnEarlierEffectReadsWait) {
  const Ran ran = run_main(with_names(R"(
  call %ask(%one)
  %l = eval display "[]" ()
  call %print(%l)
  append %l, %one
  call %print(%l)
)"));
  EXPECT_EQ(ran.counters.entries, 4U);
  EXPECT_THAT(ran.log, ElementsAre("[] ", "[1 ] "));
}

TEST(Memory, StoresToWhatAHandlerOfTheCallerSeesWait) {
  for (const bool raises : {true, false}) {
    const Ran ran = run({main_program(with_names(fmt::format(R"(
  %n = const {}
  %f = load_global f
  %l = eval display "[]" ()
  try %e {{
    call %f(%l, %n)
  }} except {{
  }}
  call %print(%l)
)",
                                                             risky_number(raises)))),
                         R"(program "f" (%l, %n)
body {
  %risky = load_global risky
  %one = const 1
  %own = eval display "[]" ()
  call %risky(%n)
  append %own, %one
  append %l, %one
}
)"});
    EXPECT_THAT(ran.log, ElementsAre(raises ? "[] " : "[1 ] "));
    EXPECT_EQ(ran.counters.entries, 3U);  // risky, the append to the caller's list, print
  }
}

TEST(Memory, StoresToOtherPlacesArePassed) {
  const std::string body = with_names(R"(
  %new = load_global new
  %o = call %new()
  store_attr x %o, %one
  store_attr y %o, %two
  %d = eval display "{a: b}" (a=%one, b=%two)
  %l = eval display "[a, b]" (a=%one, b=%two)
  %a = call %ask(%one)
  store_attr x %o, %a
  store_item %d, %two, %a
  %zero = const 0
  store_item %l, %zero, %a
  %y = load_attr y %o
  %v = load_item %d, %one
  %w = load_item %l, %one
  %t = eval display "[a, b, c]" (a=%y, b=%v, c=%w)
  call %ask(%t)
)");
  EXPECT_EQ(run_main(body).time, 1);
  EXPECT_EQ(run_main(body, without_forwarding()).time, 1);
}

TEST(Memory, AnUnknownCallIsWaitedFor) {
  const Ran ran = run_main(with_names(R"(
  %l = eval display "[]" ()
  %a = call %ask(%one)
  %mutate = load_global mutate
  call %mutate(%l, %a)
  %n = call %len(%l)
  %b = call %ask(%n)
)"));
  EXPECT_EQ(ran.time, 2);
}

TEST(Memory, AStoreThroughAPendingValueHoldsBackWhatItMayMeet) {
  const Ran ran = run_main(with_names(R"(
  %l = eval display "[]" ()
  %m = eval display "[]" ()
  %both = eval display "[a, b]" (a=%l, b=%m)
  %a = call %ask(%one)
  %k = truth %a
  %which = load_item %both, %k
  append %which, %one
  %n = call %len(%l)
  %b = call %ask(%n)
  append %m, %b
)"));
  EXPECT_EQ(ran.time, 2);
}

// A branch that waits for an answer and may store to l; then the length of `read` is asked about.
std::string with_blocked_branch(std::string_view read) {
  return with_names(fmt::format(R"(
  %l = eval display "[a]" (a=%one)
  %m = eval display "[a]" (a=%one)
  %q = const {}
  %a = call %ask(%q)
  if %a {{
    append %l, %one
  }}
  %n = call %len(%{})
  %b = call %ask(%n)
)",
                                asked_number(true, 3), read));
}

TEST(Summaries, ABlockedBranchHoldsBackOnlyWhatItMayStoreTo) {
  EXPECT_EQ(run_main(with_blocked_branch("m")).time, 1);
  EXPECT_EQ(run_main(with_blocked_branch("l")).time, 2);
}

TEST(Summaries, WithoutThemABlockedBranchHoldsBackEverything) {
  EXPECT_EQ(run_main(with_blocked_branch("m"), without_summaries()).time, 2);
}

TEST(Summaries, ReachThroughFunctionsAndAliases) {
  const auto texts = [](std::string_view read) {
    return std::vector<std::string>{main_program(with_names(fmt::format(R"(
  %l = eval display "[a]" (a=%one)
  %m = eval display "[a]" (a=%one)
  %d = eval display "{{a: b}}" (a=%one, b=%l)
  %q = const {}
  %f = load_global f
  call %f(%d, %q)
  %n = call %len(%{})
  %b = call %ask(%n)
)",
                                                                        asked_number(true, 3), read))),
                                    R"(program "f" (%d, %q)
body {
  %ask = load_global ask
  %a = call %ask(%q)
  if %a {
    %one = const 1
    %inner = load_item %d, %one
    call_method %inner.append(%a)
  }
}
)"};
  };
  EXPECT_EQ(run(texts("m")).time, 1);
  EXPECT_EQ(run(texts("l")).time, 2);
}

TEST(Failure, TheFirstInProgramOrderWinsThoughALaterOneIsSooner) {
  const int slow = risky_number(true), quick = risky_number(true, slow + 1);
  const Ran ran = run_main(with_names(fmt::format(R"(
  %s = const {}
  %q = const {}
  call %print(%one)
  call %risky(%s)
  call %print(%two)
  call %risky(%q)
)",
                                                  slow, quick)),
                           {}, {{fmt::format("risky({};)", slow), 9}});
  EXPECT_THAT(ran.state, StartsWith("raised 0:5{AskError: "));
  EXPECT_EQ(ran.time, 9);
  EXPECT_EQ(ran.log.size(), 1U);
}

TEST(Failure, CallsAfterItAreCancelled) {
  const Ran ran = run_main(with_names(fmt::format(R"(
  %bad = const {}
  call %risky(%bad)
  call %ask(%one)
  call %ask(%two)
)",
                                                  risky_number(true))),
                           {}, {{"ask(1;)", 50}, {"ask(2;)", 60}});
  EXPECT_EQ(ran.time, 1);
  EXPECT_EQ(ran.counters.calls, 3U);
  EXPECT_EQ(ran.counters.cancelled, 2U);
}

TEST(Failure, AHandlerSeesTheVariablesAsTheyWereWhereItFailed) {
  const Ran ran = run_main(with_names(fmt::format(R"(
  %bad = const {}
  %x = move %one
  try %e {{
    %x = move %two
    call %risky(%bad)
    %x = const 3
    call %print(%x)
  }} except {{
    call %print(%x)
  }}
  call %print(%x)
)",
                                                  risky_number(true))));
  EXPECT_THAT(ran.log, ElementsAre("2 ", "2 "));
}

TEST(Failure, StoresOfABodyThatFailsAreNotSeenAfterIt) {
  for (const bool raises : {true, false}) {
    const Ran ran = run_main(with_names(fmt::format(R"(
  %n = const {}
  %l = eval display "[]" ()
  try %e {{
    call %risky(%n)
    append %l, %one
  }} except {{
    append %l, %two
    append %l, %two
  }}
  %k = call %len(%l)
  call %print(%l)
  return %k
)",
                                                    risky_number(raises))));
    EXPECT_THAT(ran.log, ElementsAre(raises ? "[2 2 ] " : "[1 ] "));
  }
}

TEST(Failure, ItemsOfALoopFailOnTheirOwn) {
  const Ran ran = run_main(with_loop(R"(
  for %x in %i {
    try %e {
      %a = call %risky(%x)
      call %print(%x, %a)
    } test {
      %class = eval operator "'AskError'" ()
      %is = match_exception %e, %class
    } except %is {
      call %print(%x)
    }
  }
)"));
  EXPECT_EQ(ran.time, 1);
  EXPECT_EQ(ran.log.size(), 4U);
}

TEST(Failure, AnExceptionRaisedInAHandlerKnowsTheOneItWasHandling) {
  const Ran ran = run_main(with_names(fmt::format(R"(
  %bad = const {}
  try %e {{
    call %risky(%bad)
  }} except {{
    raise %one
  }} finally {{
    call %print(%two)
  }}
)",
                                                  risky_number(true))));
  EXPECT_THAT(ran.state, StartsWith("raised 0:5{Error: 1 trace [] context 1:5{AskError"));
  EXPECT_EQ(ran.log.size(), 1U);
}

TEST(Failure, TheFinalRegionOfAWithIsLeftOutWhenItsBodyRaised) {
  for (const bool raises : {true, false}) {
    const Ran ran = run_main(with_names(fmt::format(R"(
  %n = const {}
  try %e {{
    call %risky(%n)
  }} except {{
    call %print(%one)
  }} finally unless raised {{
    call %print(%two)
  }}
)",
                                                    risky_number(raises))));
    EXPECT_THAT(ran.log, ElementsAre(raises ? "1 " : "2 "));
  }
}

TEST(Failure, CodeAfterATryThatMayOnlyFallThroughRunsAhead) {
  const Ran ran = run_main(with_names(fmt::format(R"(
  %n = const {}
  try %e {{
    call %risky(%n)
  }} except {{
    call %ask(%two)
  }}
  call %ask(%one)
)",
                                                  risky_number(true))));
  EXPECT_EQ(ran.calls[1], "ask(1;)");
  EXPECT_EQ(ran.time, 2);
}

TEST(Failure, AnUnboundVariableIsAnErrorWhereItIsRead) {
  const Ran ran = run_main(with_names(fmt::format(R"(
  %n = const {}
  %a = call %ask(%n)
  if %a {{
    %x = move %one
  }}
  call %print(%one)
  %y = move %x
  call %print(%two)
)",
                                                  asked_number(false))));
  EXPECT_THAT(ran.state, StartsWith("raised 0:5{UnboundLocalError: x"));
  EXPECT_THAT(ran.log, ElementsAre("1 "));
}

// Hands out an interrupt instead of the first completion.
class Interrupting final : public Executor {
 public:
  explicit Interrupting(World& world) : world_(world), inner_(1, 1, 100) {}
  void start(Ticket ticket, std::unique_ptr<Call> call) override { inner_.start(ticket, std::move(call)); }
  void cancel(Ticket ticket) override { inner_.cancel(ticket); }
  std::vector<Completion> wait() override {
    std::vector<Completion> done(1);
    done[0].raised = true;
    done[0].value = world_.exception("KeyboardInterrupt: now");
    return done;
  }
  std::vector<Completion> poll() override { return {}; }
  void drain() override { inner_.drain(); }
  std::size_t running() const { return inner_.running(); }

 private:
  World& world_;
  VirtualExecutor inner_;
};

// What comes before the node that was struck is not waited for: the calls take a unit of time each.
TEST(Failure, ANodeThatIsInterruptedAheadOfOthersLeavesTheInterruptToTheOldestCall) {
  const Scenario s = scenario({main_program(with_names(R"(
  call %print(%one)
  try %e {
    %a = call %ask(%one)
    %b = call %ask(%two)
    %c = call %ask(%b)
    call %print(%c)
  } except {
    call %print(%e)
  }
)"))});
  World world;
  VirtualExecutor executor(1, 1, 100);
  ToyHost host(world);
  host.strike(world.exception("KeyboardInterrupt: now"));
  window::Run r(host, executor, {});
  const Outcome outcome = r.call(prepare(s, world));
  EXPECT_FALSE(outcome.raised);
  EXPECT_THAT(world.log, ElementsAre("1 ", "!KeyboardInterrupt: now "));
  EXPECT_EQ(executor.now(), 0);
  EXPECT_EQ(executor.running(), 0U);
}

TEST(Failure, AnInterruptArrivesInTheOldestCall) {
  const Scenario s = scenario({main_program(with_names(R"(
  call %print(%one)
  try %e {
    call %ask(%one)
    call %ask(%two)
  } except {
    call %print(%e)
  }
)"))});
  World world;
  Interrupting executor(world);
  ToyHost host(world);
  window::Run r(host, executor, {});
  const Outcome outcome = r.call(prepare(s, world));
  EXPECT_FALSE(outcome.raised);
  EXPECT_THAT(world.log, ElementsAre("1 ", "!KeyboardInterrupt: now "));
  EXPECT_EQ(executor.running(), 0U);
}

}  // namespace
}  // namespace xcs::window::toy
