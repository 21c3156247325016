// Programs on which the window once gave another observation than sequential execution, made as small as they
// get.
#include <gtest/gtest.h>

#include "window/testing/checker.h"
#include "window/testing/plans.h"

namespace xcs::window::toy {
namespace {

// Under every plan, with several latencies and worlds.
void expect_sequential(const std::vector<std::string>& texts) {
  for (std::uint64_t seed = 0; seed < 60; ++seed) {
    const Scenario s = scenario(texts, seed);
    const auto e = expected(s, kMostSteps);
    ASSERT_TRUE(e);
    for (const Plan& plan : plans(seed)) {
      const auto difference = check(s, *e, plan);
      ASSERT_FALSE(difference) << text(plan) << text(s) << *difference;
    }
  }
}

TEST(Regress, AnUnboundConditionRaises) {
  expect_sequential({R"(program "main" ()
body {
  try %e {
    if %x {
    }
  } except {
    while {
    } do %x {
    }
  }
}
)"});
}

TEST(Regress, AnUnboundVariableInAFinalRegionHasTheExceptionBeingHandledAsItsContext) {
  expect_sequential({R"(program "main" ()
body {
  try %e {
    %t = eval operator "a + b" (%a, %b)
  } except {
    return %c
  } finally {
    unbind %z
  }
}
)"});
}

TEST(Regress, AFrameThatStallsForWantOfRoomHidesItsStores) {
  expect_sequential({R"(program "main" (%l)
body {
  %ask = load_global ask
  %k = const 0
  %b = const 3
  %one = const 1
  while {
    %c = eval operator "a < b" (a=%k, b=%b)
  } do %c {
    %b = call %ask(%b)
    %k = eval operator "a + b" (a=%k, b=%one)
  }
  %digest = load_global digest
  %d = call %digest(%l)
  %f = load_global f
  %r = call %f(%l, %d)
  %s = call %ask(%l)
}
)",
                     R"(program "f" (%l, %a)
body {
  %one = const 1
  call_method %l.append(%one)
}
)"});
}

TEST(Regress, StoresOfAPassedLoopInATryBodyMayNotHappen) {
  expect_sequential({R"(program "main" ()
body {
  %ask_text = load_global ask_text
  %two = const 2
  %a = call %ask_text(%two)
  %f = load_global f
  %x = call %f(%a)
  %ask = load_global ask
  %y = call %ask(%x)
}
)",
                     R"(program "f" (%a)
body {
  %two = const 2
  %l = eval display "[a]" (%a)
  %d = eval hashing "{a: b}" (%a, b=%l)
  try %e {
    %sum = eval operator "a + b" (a=%two, b=%a)
    %i = iter %d
    for %x in %i {
      call_method %l.clear()
    }
  } except {
  }
  return %l
}
)"});
}

TEST(Regress, ACancelledCallLeavesRoomForTheNext) {
  expect_sequential({R"(program "main" (%a, %b, %c)
body {
  %ask = load_global ask
  %risky = load_global risky
  %a = call %ask(%a)
  %x = call %ask(%a)
  try %e {
    %y = call %risky(%b)
    %y = call %risky(%c)
    %z = call %ask(%b)
  } except {
    %y = call %ask(%c)
  }
}
)"});
}

TEST(Regress, ABranchThatMayCallAnythingMayUnbindWhatFollows) {
  expect_sequential({R"(program "main" (%l, %d)
body {
  %ask = load_global ask
  %one = const 1
  %z = move %one
  %f = load_global f
  %g = load_global g
  %both = eval display "[a, b]" (a=%f, b=%g)
  %a = call %ask(%one)
  %k = truth %a
  %which = load_item %both, %k
  call %which(%l)
  %v = call_method %d.get(%one)
  if %v {
    %h = load_global ask
    call %h(%one)
    unbind %z
  }
  unbind %z
}
)",
                     "program \"f\" (%l)\nbody {\n}\n", "program \"g\" (%l)\nbody {\n}\n"});
}

TEST(Regress, AMutatorOfAnotherTypeThanExpectedIsNotReplayed) {
  expect_sequential({R"(program "main" (%b)
body {
  %ask_dict = load_global ask_dict
  %d = call %ask_dict(%b)
  call_method %d.sort()
  %ask = load_global ask
  %c = call %ask(%b)
  if %c {
    %i = iter %d
  }
}
)"});
}

TEST(Regress, ALoopOfASummaryMayLengthenTheListItRunsOver) {
  expect_sequential({R"(program "main" (%a, %b)
body {
  %first = eval display "[]" ()
  %second = eval display "[]" ()
  %l = eval display "[a]" (a=%first)
  %f = load_global f
  %x = call %f(%l, %second, %a)
  %len = load_global len
  %n = call %len(%second)
  %ask = load_global ask
  %r = call %ask(%n)
  return %r
}
)",
                     R"(program "f" (%l, %m, %a)
body {
  %ask = load_global ask
  %len = load_global len
  %two = const 2
  %a = call %ask(%a)
  if %a {
    %i = iter %l
    for %x in %i {
      call_method %x.append(%two)
      %n = call %len(%l)
      %c = eval operator "a < b" (a=%n, b=%two)
      if %c {
        call_method %l.append(%m)
      }
    }
  }
}
)"});
}

TEST(Regress, RecursionIntoOtherBranchesOfASummaryIsSeen) {
  expect_sequential({R"(program "main" (%a, %l, %m)
body {
  %f = load_global f
  %one = const 1
  %x = call %f(%one, %l, %m)
  %len = load_global len
  %n = call %len(%m)
  %ask = load_global ask
  %r = call %ask(%n)
  return %r
}
)",
                     R"(program "f" (%n, %l, %m)
body {
  %ask = load_global ask
  %a = call %ask(%n)
  %f = load_global f
  if %a {
    %one = const 1
    if %n {
      call_method %l.append(%one)
      %zero = const 0
      %r = call %f(%zero, %l, %m)
    } else {
      call_method %m.append(%one)
    }
  }
}
)"});
}

}  // namespace
}  // namespace xcs::window::toy
