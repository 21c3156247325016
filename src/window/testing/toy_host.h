// The toy language's side of window/host.h: the smallest host that keeps the contract, and where it says what
// that is.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "window/host.h"
#include "window/testing/toy_operations.h"

namespace xcs::window::toy {

// Ways to break the contract, each of which a checker has to notice.
enum class Fault : std::uint8_t {
  kNone,
  kLoadsDoNotLook,         // loads read committed memory, whatever is pending
  kForwardsOneStore,       // of several pending stores only the last is replayed
  kForwardsBackwards,      // pending stores are replayed newest first
  kArgumentsNotFrozen,     // independent calls get the objects and not copies
  kArgumentsNotForwarded,  // independent calls get copies of committed memory
  kStoresAnnounceNothing,
  kStoresAnnounceOtherPlaces,
  kPendingTargetsAnnounceNothing,
  kUnknownCallsAnnounceNothing,
  kPendingCalleesAnnounceNothing,
  kContainerOperandsReplayed,  // `a.extend(b)` is announced as replayable although it reads b
  kEverythingFresh,            // pending results are said to be fresh objects
  kEverythingAtomic,           // pending results are said to be atoms
  kStoresRunEarly,
  kPrintsRunEarly,
  kKeysNeverEqual,        // same_key() compares addresses
  kContextAtCompletion,   // an independent call's exception is created without what was handled at the call
  kCopiesEscape,          // a load of a container yields a copy of it
  kSharedTakenAsPrivate,  // an object counts as private although one reference to it is not accounted for
};
inline constexpr int kFaults = 20;

std::string_view name(Fault fault);

// An independent call with its frozen arguments.
class ToyCall final : public Call {
 public:
  ToyCall(World& world, Builtin builtin, std::vector<Value> arguments, Value context)
      : world_(world), builtin_(builtin), arguments_(std::move(arguments)), context_(std::move(context)) {}
  // Frees the copies, which may contain themselves.
  ~ToyCall() override;
  // The answer; the same for the same arguments, whenever it is asked for.
  Answer run();
  // The builtin and what its arguments are, as the sequential interpreter notes them.
  std::string text() const;
  bool frozen = true;

 private:
  World& world_;
  Builtin builtin_;
  std::vector<Value> arguments_;
  Value context_;
};

class ToyHost final : public Host {
 public:
  explicit ToyHost(World& world, Fault fault = Fault::kNone) : world_(world), fault_(fault) {}

  Action attempt(const ir::Program& program, const ir::Node& node, std::span<const Value> operands,
                 View& view) override;
  Action next(const ir::Program& program, const ir::Node& node, const Value& iterator, View& view) override;
  Flags known(const Value& value) override;
  std::optional<std::vector<Value>> peek_items(const Value& iterator, std::size_t limit, View& view) override;
  bool steps_freely(const Value&) override { return true; }
  std::optional<Enter> take_generator(const Value&, std::uint32_t) override { return std::nullopt; }
  void rewind(const Value& iterator, std::size_t steps) override {
    toy(iterator).number -= static_cast<std::int64_t>(steps);
  }
  Value leaves_generator(const Value& exception) override { return exception; }
  // The next attempt that is made ahead of something else raises this, which is an interrupt.
  void strike(Value exception) { interrupt_ = std::move(exception); }
  bool is_interrupt(const Value& exception) override {
    return interrupt_.bound() && exception.object() == interrupt_.object();
  }
  bool is_true(const Value& value) override { return toy(value).number != 0; }
  Value unbound_error(const ir::Program& program, ir::SlotId slot, const ir::Node& node) override;
  Value depth_error(std::uint32_t depth) override;
  void unwound(const ir::Program& program, const ir::Node& node, const Value& exception) override;
  void set_handled(const Value& exception) override { world_.handled = exception; }
  Value none() override { return world_.none(); }
  bool same_key(Object* a, Object* b) override;
  bool runs_whole(const ir::Program&, ir::Index, std::uint32_t) override { return false; }

  // Functions within each other.
  static constexpr std::uint32_t kDeepest = 12;

 private:
  Action act(const Node& n, Reader& memory, View& view);
  Action waiting(const Node& n, const Need& need) const;
  bool stores_privately(const Node& n, View& view) const;
  Action ordered(const Node& n) const;
  Action issue(const Node& n, Reader& memory);
  Effect effect(const Node& n) const;
  Effect store_effect(const Node& n) const;
  Effect method_effect(const Node& n) const;

  void count_attempt();

  World& world_;
  const Fault fault_;
  Value interrupt_;
  bool struck_ = false;
  std::size_t attempts_left_ = 100'000;
};

// Thrown when a run attempts more nodes than any that ends: the window has run ahead into code that
// sequential execution does not reach and that has no end.
struct Endless {};

}  // namespace xcs::window::toy
