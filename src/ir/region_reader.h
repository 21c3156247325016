// Reads regions and the nodes in them.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "ir/ops.h"
#include "ir/reading.h"

namespace xcs::ir {

class RegionReader {
 public:
  explicit RegionReader(Reading& reading) : r_(reading), in_(reading.in) {}

  // From "{" to the last line before "}", which is left to be read.
  RegionId region();

  // The parts of nodes that also stand in "unused" lines.
  Fragment fragment_head();
  void unused_eval();
  void unused_call();
  void unused_unpack();

 private:
  void node(Region& region);
  Node control(const Token& word);
  void payload(Node& node);
  void fragment(Node& node);
  void call(Node& node);
  Arg argument();
  void unpack(Node& node);
  Unpack unpack_dests();
  void negation(Node& node);
  void check(const Node& node) const;

  Node branch();
  Node for_loop();
  Node while_loop();
  Node attempt();
  Handler handler();
  Index whole() { return in_.try_word("whole") ? r_.reference(r_.statements) : kNone; }
  RegionId else_region();

  Reading& r_;
  TokenReader& in_;
  int depth_ = 0;
};

}  // namespace xcs::ir
