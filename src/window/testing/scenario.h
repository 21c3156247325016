// A program of the toy language with the world it runs in, and what can be seen of a run of it.
#pragma once

#include <cstdint>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "window/run.h"
#include "window/testing/toy_object.h"

namespace xcs::window::toy {

struct Scenario {
  // The first is called with arguments that fit its parameters by name: l..., m... lists, d... dicts, o...
  // objects, others numbers. All of them are functions that globals name.
  std::vector<std::shared_ptr<const ir::Program>> programs;
  std::uint64_t shape =
      0;  // draws what is in the arguments and globals, and which of them are the same object
};

// The programs, each in its text form (.xir), one after the other. Throws InternalError where a text is
// wrong.
Scenario scenario(const std::vector<std::string>& texts, std::uint64_t shape = 0);
// The texts of the programs.
std::string text(const Scenario& scenario);

// Fills an empty world and gives the call of the first program.
Enter prepare(const Scenario& scenario, World& world);

// Everything that can be seen afterwards: the result or exception with all it reaches, globals and arguments
// likewise, with what is the same object and what is not.
std::string state(const World& world, const Outcome& outcome, const std::vector<Value>& arguments);

// What sequential execution gives.
struct Expected {
  std::string state;
  std::vector<std::string> log;
  std::multiset<std::string> calls;
  bool exceptions = false;  // some were raised, whether handled or not
};
// Nothing when the program runs for more than `most_steps` nodes.
std::optional<Expected> expected(const Scenario& scenario, std::size_t most_steps);

}  // namespace xcs::window::toy
