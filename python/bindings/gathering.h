// Programs that gather what a generator yields.
//
// Note [gathered generators]
// What takes every item of a generator, and does one and the same thing with each, does it where the
// generator would yield: the generator's program runs as an ordinary function in which each yield adds the
// item to a list or set, or puts it into a running value. So a generator that decides by an answer whether it
// yields does not hold up what comes after the decision.
#pragma once

#include "program.h"

namespace xcs::python {

enum class Into : std::uint8_t {
  kList,  // the container in the last slot gains each item
  kSet,
  kFold,  // the last three slots hold the running value, the function of it and an item, and None; returns
          // the value
};

// The program of `generator` that gathers, or null when what is done with an item could be caught by the
// generator's own code.
ProgramRef gathering(const HostProgram& generator, Into into);

}  // namespace xcs::python
