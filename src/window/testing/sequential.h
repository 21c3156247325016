// The oracle: runs a program one node after the other.
#pragma once

#include <string>
#include <vector>

#include "window/run.h"
#include "window/testing/toy_operations.h"

namespace xcs::window::toy {

// Thrown when a program takes too many steps to be worth checking.
struct TooLong {};

class Sequential {
 public:
  Sequential(World& world, std::size_t most_steps) : world_(world), steps_left_(most_steps) {}

  Outcome call(const Enter& enter);
  // Every independent call, in order, as ToyCall::text() says it.
  const std::vector<std::string>& calls() const { return calls_; }

 private:
  enum class Exit : std::uint8_t { kFell, kReturned, kBroke, kContinued };
  struct Flow {
    Exit exit = Exit::kFell;
    Value returned = {};
  };
  struct Activation {
    const ir::Program& program;
    std::vector<Value> slots;
  };

  Value activation(const Enter& enter);
  Value entered(const Enter& enter, const ir::Program& caller, const ir::Node& node);
  Flow region(Activation& a, ir::RegionId id);
  Flow region_handling(Activation& a, ir::RegionId id, const Value& exception);
  Flow node(Activation& a, const ir::Node& node);
  void simple(Activation& a, const ir::Node& node);
  Value operation(const Node& n);
  Flow branch(Activation& a, const ir::Node& node);
  Flow loop(Activation& a, const ir::Node& node);
  Flow attempt(Activation& a, const ir::Try& t);
  Flow handle(Activation& a, const ir::Try& t, const Value& exception);
  bool is_true(Activation& a, ir::SlotId slot, const ir::Node& node);
  std::vector<Value> operands(Activation& a, const ir::Node& node);

  World& world_;
  std::size_t steps_left_;
  std::uint32_t depth_ = 0;
  std::vector<std::string> calls_;
};

}  // namespace xcs::window::toy
