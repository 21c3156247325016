// What the window holds: a tree of items in program order. An item is an entry (one node that has not
// committed) or a frame (one activation of a region).
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "window/host.h"
#include "window/run.h"
#include "window/value.h"

namespace xcs::window {

class Machine;
class NativeCode;
class Frame;
class Entry;

using Env = std::vector<Value>;

// What a statement that was run whole left in its variables; also when it raised.
inline void assign_outputs(Env& env, const ir::Statement& statement, Action& done) {
  for (std::size_t i = 0; i < done.values.size(); ++i) env[statement.outputs[i]] = std::move(done.values[i]);
}

// A place in program order: just before item `sequence` of `frame`.
struct Place {
  Frame* frame;
  std::uint64_t sequence;
};

class Item : public Waiter {
 public:
  Item(Machine& machine, Frame* parent, std::uint64_t sequence, bool frame)
      : machine(machine), parent(parent), sequence(sequence), is_frame(frame) {}
  virtual ~Item() = default;
  Item(const Item&) = delete;
  Item& operator=(const Item&) = delete;

  void wake() final;
  // Wakes those that wait for this item to be done or, for a frame, fetched.
  void wake_followers();
  // Stops waiting for whatever it waits for.
  void stop_waiting();
  void wait_for(const Value& pending);
  void wait_for(Item* item);

  Machine& machine;
  Frame* const parent;
  const std::uint64_t sequence;  // among the parent's items
  const bool is_frame;
  bool done = false;
  bool safe = false;    // nothing in it can raise any more: done, or waiting for its turn only
  bool queued = false;  // in the machine's ready queue
  Chain chain;          // what led to it
  Chain deep_chain;     // what led to its end
  std::uint64_t wait_began_ns = 0;
  std::uint32_t wait = ~0U;       // the row of Waits of the wait under way
  std::uint32_t held_by = ~0U;    // the row that loses time meanwhile
  std::shared_ptr<Env> snapshot;  // the parent's variables as they were here; only inside a try
  std::vector<Item*> followers;
  Value awaited;  // the pending value it waits for
  Item* awaited_item = nullptr;
};

class Entry final : public Item {
 public:
  enum State : std::uint8_t {
    kWaiting,  // for an operand, an element, or memory
    kOrdered,  // for everything before it
    kIssued,   // an independent call, started or waiting for room
    kFailed,
  };

  Entry(Machine& machine, Frame* parent, std::uint64_t sequence, const ir::Program& program,
        const ir::Node& node)
      : Item(machine, parent, sequence, false), program(program), node(node) {}

  const ir::Program& program;
  const ir::Node& node;
  State state = kWaiting;
  bool indexed = false;  // its effect is in the memory index
  std::vector<Value> operands;
  std::vector<Value> results;  // pending values of the dests
  Effect effect;
  Value exception;             // kFailed
  Value handled;               // the exception whose handler it runs in
  std::unique_ptr<Call> call;  // issued, but not started for want of room
  std::uint64_t line = 0;      // while it waits for room: its place among those that do
  Ticket ticket = 0;
  std::uint64_t started_ns = 0;
  std::uint32_t control = 0;  // the calls that led to its being reached, whatever its operands
  Chain turn = {};            // what led to all that comes before it, once its turn has come
  std::uint64_t stops = 0;    // how many stops came before it
};

// Items in program order; done ones are dropped from either end.
class Items {
 public:
  bool empty() const { return first_ == items_.size(); }
  Item* front() const { return items_[first_]; }
  Item* back() const { return items_.back(); }
  std::span<Item* const> all() const { return std::span(items_).subspan(first_); }
  void push_back(Item* item) { items_.push_back(item); }
  void pop_back() { items_.pop_back(); }
  void pop_front();
  // Puts `item` where the item of the same sequence stands.
  void replace(Item* item);

 private:
  std::vector<Item*> items_;
  std::size_t first_ = 0;
};

// How control left a frame.
enum class Exit : std::uint8_t { kFell, kReturned, kBroke, kContinued };

// A time for which code was not fetched because a frame before it might be left; see Note [exits that hold
// up].
struct Standstill {
  std::uint32_t row;
  std::uint64_t number;
  std::uint64_t from_ns, until_ns;
};

// What a node is in the way for.
struct Cause {
  const ir::Program* program = nullptr;
  const ir::Node* node = nullptr;
  ReasonCode reason = 0;
};

// A generator between two of its steps: the frames it was in, outermost first, and its variables.
struct Continuation;

// A `with` statement whose generator is suspended; see Note [contexts].
struct OpenContext {
  Value manager;
  std::unique_ptr<Continuation> rest;
};

// What is particular to a step of such a generator.
struct ContextStep {
  ContextPart part;
  Value manager;
  Value raised = {};     // kRaises
  Value traceback = {};  // that it had
};

class Frame final : public Item {
 public:
  enum Kind : std::uint8_t { kActivation, kRegion, kIf, kLoop, kTry };
  enum State : std::uint8_t {
    kRunning,    // on the path that is being fetched, or about to be
    kSuspended,  // waits for a child frame's control
    kBlocked,    // waits for a value, memory, its turn, or a child to be complete
    kStuck,      // raised: its last item is a failed entry
    kFetched,
  };

  Frame(Machine& machine, Frame* parent, std::uint64_t sequence, Kind kind, const ir::Program& program);
  ~Frame() override;

  const Kind kind;
  State state = kRunning;
  Exit exit = Exit::kFell;
  bool passed = false;      // the parent went on without it
  bool wants_turn = false;  // kBlocked until everything before it is complete
  bool in_try = false;      // an exception in it may be handled in its own activation
  bool indexed = false;     // its summary is in the memory index
  bool generator = false;   // kActivation: one step of a generator, for the loop that is its parent
  bool native = false;      // kActivation: its code is the host's own (native.h)
  bool on_stack = false;   // native: entered by the code of its parent, which goes on when this waits or ends
  bool deferred = false;   // native: begins when the window has room for it
  bool started = false;    // kLoop: a first item has been asked for
  bool guards = false;     // kLoop: its generator is suspended where leaving the loop makes it run code
  bool closing = false;    // kActivation: the step of a generator that is being closed
  bool guess = false;      // passed although control may leave it otherwise than at its end; not decided
  bool held = false;       // kActivation: has been walked to its end, but guesses in it are open
  std::uint8_t phase = 0;  // kIf, kLoop, kTry: what comes next; 0 before anything of it has run
  std::uint64_t turns = 0;   // kLoop: those that are over
  const std::uint64_t turn;  // of the loop that is its parent: the one it belongs to
  const std::uint32_t depth;
  std::uint32_t calls = 0;  // activations around it
  const ir::Program& program;
  std::shared_ptr<const ir::Program> program_owner;  // kActivation
  const ir::Region* region = nullptr;                // kActivation, kRegion
  const ir::Node* node = nullptr;                    // what it belongs to: the kIf, kLoop, kTry, or the call
  NativeCode* code = nullptr;                        // native: until it has ended
  std::uint32_t pc = 0;
  Env env;                        // while it is the innermost of its activation
  Value returned;                 // with Exit::kReturned
  Value handled;                  // the exception whose handler it runs in
  Value pending_exception;        // kTry: to be handled, or to go on after the final region
  Value test;                     // kIf, kLoop, kTry: the condition
  std::uint32_t handler = 0;      // kTry: which one
  Exit saved_exit = Exit::kFell;  // kTry: to go on with after the final region
  Value saved_return;
  std::unique_ptr<Continuation> producer;  // kLoop: the generator it takes its items from
  // The body of a loop that guards: its generator as it is suspended during this turn.
  std::unique_ptr<Continuation> suspended;
  std::unique_ptr<ContextStep> context;  // kActivation: a step of a generator, for a `with` of its parent
  std::vector<OpenContext> contexts;     // kActivation, kRegion: what its `with` statements have entered
  Frame* body = nullptr;                 // kTry: the frame of its body
  Frame* watcher = nullptr;              // the try frame that waits for this to be safe

  Items items;
  Chain dropped;           // what led to the end of the items dropped from the front
  Frame* child = nullptr;  // kSuspended: the frame it waits for
  std::uint64_t next_sequence = 0;
  std::uint64_t unfinished = 0;  // items not done
  std::uint64_t unsafe = 0;      // items not safe

  std::vector<Frame*> guesses;   // kLoop, kActivation: the open ones that control leaves this by
  std::uint32_t bodies = 0;      // kLoop: how many have been begun; of a guess in it: when it was made
  std::uint64_t speculated = 0;  // of a guess: calls issued after it, and after no later guess

  // When passed: what the parent's variables hold in its place, and the result of an activation.
  struct Output {
    ir::SlotId slot;
    Value cell;
  };
  std::vector<Output> outputs;
  Value result;                 // kActivation: pending until it has been fetched
  ir::SlotId dest = ir::kNone;  // kActivation: the parent's slot

  // For reports: see Note [exits that hold up]. exit_row is set while it is blocked and holds up other code.
  std::uint32_t exit_row = ~0U;
  std::uint64_t exit_since_ns = 0;
  Frame* held_up = nullptr;
  std::vector<Standstill> stops;  // in it, and over
  Cause opaque;                   // when passed: why it may store anywhere

  bool has_begun() const { return phase != 0; }
  Place end() { return {this, next_sequence}; }
  // kActivation: what it runs is the body of a generator.
  bool is_generator_code() const {
    return generator || context != nullptr || (kind == kActivation && program.gathers);
  }
  bool opens_context() const { return context != nullptr && context->part == ContextPart::kEnters; }
  // Whether an exception in a frame inside this one may be handled where its activation's variables are seen.
  bool keeps_variables() const { return in_try || kind == kTry || guards; }
};

struct Continuation {
  struct Saved {
    Frame::Kind kind;
    const ir::Region* region;
    const ir::Node* node;
    std::uint32_t pc;
    std::uint8_t phase;
    bool in_try, started;
    std::unique_ptr<Continuation> producer;
    // Of a try statement, and of what runs in one of its handlers.
    bool in_body = false;  // the next frame is its body
    Value handled = {}, pending_exception = {}, saved_return = {};
    std::uint32_t handler = 0;
    Exit saved_exit = Exit::kFell;
    std::vector<OpenContext> contexts = {};
  };
  // Whether closing it runs code: it is in a try statement, or takes items from a generator that is.
  bool guards() const;
  std::unique_ptr<Continuation> clone() const;
  std::shared_ptr<const ir::Program> program;
  std::vector<Saved> frames;  // empty: not started
  Env env;
  ir::SlotId sent = ir::kNone;  // receives what is sent in
  Chain chain;
  bool exhausted = false;
};

// Whether `item` comes before `place` and does not contain it.
bool before(const Item& item, Place place);
// Whether `one` goes on at an earlier place than `other`. A frame goes on after what is in it.
bool earlier(const Item& one, const Item& other);
// Whether something went on without the frame, or without one around it.
bool is_passed(const Frame& frame);
// Whether `frame` contains `item`, or is it.
bool contains(const Frame& frame, const Item& item);

}  // namespace xcs::window
