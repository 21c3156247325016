// What the nodes of the toy language mean, apart from when they run.
//
// The sequential interpreter and the host share these functions. They read memory only through a Reader, so
// that the same code computes a load from committed memory and from memory with pending stores replayed.
#pragma once

#include <optional>
#include <span>
#include <string>

#include "window/testing/toy_object.h"

namespace xcs::window::toy {

// Thrown where the toy language raises.
struct Raised {
  Value exception;
};

// Thrown when something is not there yet: an answer other than kDone, without its effect and flags.
struct Need {
  Action::Verdict verdict;    // kOperand, kElement, kBlocked or kOrdered
  std::uint32_t operand = 0;  // kOperand
  Value value = {};           // kElement
};

// Memory at one place of the program.
class Reader {
 public:
  virtual ~Reader() = default;
  // The object's contents, right at least as far as `where` goes; valid as long as the reader. Throws Need.
  virtual const Contents& read(Toy& object, Where where) = 0;
};

// Memory as it is now.
class Committed final : public Reader {
 public:
  const Contents& read(Toy& object, Where) override { return object.contents; }
};

// One node and its operands.
struct Node {
  World& world;
  const ir::Program& program;
  const ir::Node& node;
  std::span<const Value> operands;

  // Throws Need unless it is there.
  Toy& operand(std::size_t i) const;
  std::string_view name() const { return program.names[node.index]; }
  std::string_view method() const { return program.names[program.calls[node.index].method]; }
  [[noreturn]] void raise(std::string_view text) const { throw Raised{world.exception(std::string(text))}; }
};

enum class Kind : std::uint8_t {
  kLoad,         // reads memory at most: evaluate()
  kStore,        // changes the contents of one object: target(), apply()
  kOrdered,      // an effect that no load can see: perform()
  kUnknown,      // may change anything: perform()
  kIndependent,  // independent(), answer()
  kEnter,        // a function of the user's: enter()
};

// What the node does. Throws Need where that depends on an operand or element that is pending.
Kind kind(const Node& n, Reader& memory);

// The result of a kLoad; may be pending when it is an element of something. Throws Need and Raised.
Value evaluate(const Node& n, Reader& memory);
// The results of a kUnpack node, which is a load too.
std::vector<Value> unpack(const Node& n, Reader& memory);
// The element of the list or range at the iterator's position, unbound at the end. Does not move the
// iterator.
Value next_item(World& world, Toy& iterator, Reader& memory);

// The object that a kStore changes, and what of it: as precisely as operands that are there tell.
Value target(const Node& n);
std::vector<Where> places(const Node& n);
// Whether apply() needs nothing but the contents and the operands.
bool replayable(const Node& n);
// Changes `contents` as the store does and returns the node's result. Raises, without a change, where the
// store would. `memory` is read for operands that are containers themselves.
Value apply(const Node& n, Contents& contents, Reader& memory);

// Does what a kOrdered or kUnknown node does, on committed memory.
Value perform(const Node& n);
// Does what a kStatement does: unbound inputs are allowed; one value per output.
std::vector<Value> perform_statement(const Node& n);

// How the function is entered; unbound slots are left for the program to fill. Throws Raised.
Enter enter(const Node& n, Reader& memory);

// A copy of everything that the value reaches, aliases kept. Throws Need.
Value freeze(World& world, const Value& value, Reader& memory);
// All that the value reaches, as text. Throws Need.
std::string describe(const Value& value, Reader& memory);
// What the independent call `builtin` answers to arguments as they are now: a function of their descriptions
// alone.
struct Answer {
  bool raised;
  Value value;
};
Answer answer(World& world, Builtin builtin, std::span<const Value> arguments);

// What is known of the result of a node while it is pending.
Flags flags(const Node& n);

bool truth(const Node& n, Reader& memory);

}  // namespace xcs::window::toy
