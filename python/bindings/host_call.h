// What all independent calls of Python programs have: what a journal or a cache knows them by.
#pragma once

#include <string>

#include "ir/ir.h"
#include "window/host.h"

namespace xcs::python {

struct HostCall : window::Call {
  // Set when the run records its calls; see digest.h. Empty when the callee or an argument cannot be
  // identified.
  std::string request;
  std::string context;  // empty when what it depends on besides cannot be identified
  std::string site;     // for people: "summarise.py:12 digest"
};

std::string site_of(const ir::Program& program, const ir::Position& position);

}  // namespace xcs::python
