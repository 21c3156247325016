// The one interface between the window and the host language.
//
// The window decides when; the host evaluates. For each node it reaches, the window asks the host to
// `attempt` it at its place in program order. The host looks at the operands' types and at the memory the
// node would touch, and either does it at once or says what it has to wait for and what it may do once it is
// run.
//
// All calls come on the thread that runs the program.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "ir/ir.h"
#include "window/known.h"
#include "window/value.h"

namespace xcs::window {

// Part of an object, as far as loads and stores are told apart.
struct Where {
  enum Kind : std::uint8_t {
    kAttr,   // the attribute `key` (an interned name: equal names are one object); a cell's content is kAttr
             // null
    kItem,   // the item `key` of a dict, list or namespace; it exists before and after, or it is a list's
    kKeys,   // length, membership, order
    kItems,  // all of these: what a container has besides attributes
    kAll,    // anything of the object itself (not of what it refers to)
  };
  Kind kind = kAll;
  Object* key = nullptr;
};

class Entry;

// Why a node did not run at once or ahead; index into the reason registry (explain/).
using ReasonCode = std::uint16_t;

// A store that precedes a load in program order and has not been committed. The host replays it by what
// `node` does to `operands`.
struct PendingStore {
  const ir::Program* program;
  const ir::Node* node;
  std::span<const Value> operands;
  Where where;
};

// The node at which a function that has been entered was called.
struct Caller {
  const ir::Program* program = nullptr;
  const ir::Node* node = nullptr;
};

// Memory as it is at one place of the program, given what has been committed.
class View {
 public:
  virtual ~View() = default;

  enum class State : std::uint8_t {
    kClear,    // no earlier pending store meets it: the committed object is right
    kPending,  // the stores in stores() meet it, all of them understood, oldest first; certain to happen
               // first
    kBlocked,  // something earlier may touch it and cannot be replayed: answer kBlocked
  };
  // Whether everything earlier in program order has been committed: memory is exact and effects may happen
  // now.
  virtual bool quiet() = 0;
  virtual State look(Object* object, Where where) = 0;
  // After kBlocked of look(): what is known of every value that may have been put there in the meantime.
  virtual Flags blocked_flags() { return kUnknown; }
  // Likewise, what each of them may be: null when that is not known.
  virtual KnownRef blocked_known() { return nullptr; }
  // What instances that are not there may have as this attribute, or with null containers may hold, besides
  // what is known of them, because it was stored where it could not be told which it is; null when that is
  // not known.
  virtual KnownRef stored_unnamed(const Object* attribute) {
    (void)attribute;
    return known_nothing();
  }
  // Whether operators on all that has been stored so run no code of the program's. Not `described`: what is
  // asked about has not been described as something that only later code makes.
  virtual bool unnamed_is_plain(bool described) { return (void)described, true; }
  // Whether only the walk that the view belongs to has the object: it is described by what it holds. From
  // here on, what is stored into it counts as stored unnamed, too.
  virtual bool describes_made(Object* object) {
    (void)object;
    return false;
  }
  // REQUIRES: describes_made(object). The attributes that the walk has stored there, and what each may be;
  // nullopt when they cannot be told.
  virtual std::optional<std::vector<std::pair<Object*, KnownRef>>> attributes_made(Object* object) {
    (void)object;
    return std::nullopt;
  }
  // As look() on every object at once: kClear unless something earlier may touch memory that nobody can name.
  virtual State look_anywhere() = 0;
  // Whether an earlier store that names the object is pending, whatever else may be stored to it: kClear or
  // kBlocked.
  virtual State look_listed(Object* object) {
    (void)object;
    return State::kClear;
  }
  // The stores of the last look() that answered kPending; valid until the next call.
  virtual std::span<const PendingStore> stores() = 0;
  // How many references to the object are held by variables that only code from this place on can use. See
  // Note [private objects].
  virtual std::uint32_t held(Object* object) {
    (void)object;
    return 0;
  }
  // Asks for an object that nothing holds but temporaries, and variables that are not read again, of the code
  // around, `references` in all. kTaken: they have let go of it. kWalked: the answer is thrown away, so it
  // may be looked at but stays where it is.
  enum class Taking : std::uint8_t { kNo, kTaken, kWalked };
  virtual Taking take(Object* object, std::uint32_t references) {
    (void)object, (void)references;
    return Taking::kNo;
  }
  // Whether nothing holds the object but temporaries, and variables that are not read again, of the code
  // around, `references` in all. False in a walk.
  virtual bool is_left_alone(Object* object, std::uint32_t references) {
    (void)object, (void)references;
    return false;
  }
  // Whether the node's result is assigned where control is, or in a walk: not that of a node which has
  // waited.
  virtual bool assigns_at_once() { return false; }
  // The number of the walk that asks for nothing but what the node would do, which is not going to happen; 0
  // when it is.
  virtual std::uint64_t walks() { return 0; }
  // REQUIRES: walks(). A value of which no more than this is known.
  virtual Value any_of(const KnownRef& known) { return (void)known, Value(); }
  // Says that the node at hand took `nanoseconds`, done in order for this reason although nothing was in its
  // way.
  virtual void done_in_order(ReasonCode reason, std::uint64_t nanoseconds) {
    (void)reason, (void)nanoseconds;
  }
  // The calls that led into the function the node is part of, the innermost first. Empty on a view of no run.
  virtual std::vector<Caller> callers() { return {}; }
};

// What a node may do to memory while it waits in the window.
struct Effect {
  enum Memory : std::uint8_t {
    kNone,      // nothing that a load can see
    kStores,    // only the listed stores, which the host can replay
    kOpaque,    // only the listed places, but it cannot be replayed
    kAnything,  // any memory
  };
  struct Store {
    Value target = {};  // ready, or pending: the object is not known yet
    Where where = {};
    Flags stored = kUnknown;   // what is known of what the place holds afterwards; set by the window
    KnownRef known = nullptr;  // likewise
    // The operand that is stored, or whose items are: of a method that adds to a container.
    std::uint32_t operand = ir::kNone;
    bool spread = false;
  };
  Memory memory = kNone;
  std::vector<Store> stores = {};
  std::vector<Value> held = {};  // keeps the keys of the places alive
};

// Which call of a run it is; see Note [call paths] in path.cc.
struct CallPath {
  std::string steps;                         // no other call of the run has the same
  std::vector<const ir::Program*> programs;  // whose code the steps lead through, the innermost first
};

// An independent call, ready to be started: callee and arguments as they are at its place. Owned by the
// entry.
class Call {
 public:
  virtual ~Call() = default;
  CallPath path;  // set when it is issued, with Options::paths
};

// How an entered function begins.
struct Enter {
  std::shared_ptr<const ir::Program> program;
  std::vector<Value> slots;  // parameters, then cells of free variables; values may be pending
};

// The host's answer.
struct Action {
  enum Verdict : std::uint8_t {
    kDone,     // `value` is the result (possibly pending: a forwarded element)
    kRaised,   // `value` is the exception
    kStop,     // next(): the iterator is exhausted
    kOperand,  // operand `operand` is pending and has to be there first
    kElement,  // `value` is pending and has to be there first (an element reached through memory)
    kBlocked,  // the view said kBlocked (try again when it may not)
    kOrdered,  // has to wait until everything before it is complete
    kIssue,    // `call` can be started: it is independent, or its turn has come
    kEnter,    // a function of the user's: run its program as a frame
  };
  // kEnter: part of a generator's code, run for a `with` statement; see Note [contexts].
  enum Context : std::uint8_t {
    kNone,
    kOpens,   // to its yield
    kCloses,  // from there to its end; operand 1, if there is one, is raised at the yield
  };
  Verdict verdict = kDone;
  Flags flags =
      kUnknown;         // of the result, while it is pending (kOperand, kElement, kBlocked, kOrdered, kIssue)
  KnownRef known;       // likewise; see Note [known values]
  bool raised = false;  // the result may be the exception that is being handled, or hold it
  // kDone, kRaised: code of the program's ran whole, which may have put what it made into what it was given.
  bool ran_code = false;
  bool shallow = false;   // kDone of a call: it did not look at what its operands hold
  bool in_place = false;  // kOperand: the result is operand 0 itself or, otherwise, a new object
  bool sure = false;      // kOrdered: it will not raise when its turn comes
  // kOrdered: a step of a generator that stands anywhere in its code, which is sent `value`, or none() when
  // that is unbound; a walk gets in `enter` what it began with, or the like.
  bool steps = false;
  bool in_turn =
      false;  // kIssue, when view.quiet(): an effect that takes time; `effect` is what it may do meanwhile
  ReasonCode reason = 0;    // kOrdered, kBlocked: why
  Context context = kNone;  // operand 0 is the manager
  std::uint32_t operand = 0;
  Value early;    // kOrdered: its result, which is known before its turn; unbound when it is not
  Value changed;  // kDone of a call: the object that it put its arguments into, at once
  Value value;
  // kDone of kUnpack and kStatement, kRaised of kStatement: one per dest or output, unbound where unassigned
  std::vector<Value> values;
  Effect effect;  // kOperand, kElement, kBlocked, kOrdered: what the node may do when it is run
  std::unique_ptr<Call> call;
  Enter enter;
};

// Where the code of the host's own that runs a generator for a `with` statement is; see Note [contexts].
enum class ContextPart : std::uint8_t {
  kEnters,
  kNeverYields,  // has found that the generator ended
  kLeaves,
  kRaises,  // leaves by an exception, which it raises at the yield
};

class Host {
 public:
  virtual ~Host() = default;

  // One node at one place. `operands` are the values of node.args (kStatement: of its inputs, which may be
  // unbound, then of its cells), settled; they may be pending. A kDone or kRaised answer is final; every
  // other answer has had no effect, and the node is attempted again, with the same operands settled anew,
  // when what it waits for has happened.
  //
  // The window itself handles kMove, kUnbind, kIf, kLoop, kTry, kReturn, kBreak and kContinue; all other ops
  // come here. kTruth also comes with a node of its own for the conditions of kIf, kLoop and handlers. kRaise
  // and kReraise answer kRaised (or what they wait for).
  //
  // When view.quiet() the answer may not be kBlocked or kOrdered; an effect that takes time is kIssue in
  // turn. When it is not, a kDone answer has had no effect that anything but its own result could show: the
  // window also attempts nodes to learn what code it has not reached yet may do, and throws the answer away.
  virtual Action attempt(const ir::Program& program, const ir::Node& node, std::span<const Value> operands,
                         View& view) = 0;

  // Whether an exception that an attempt raised was raised by something that interrupted it, such as a
  // signal's handler.
  virtual bool is_interrupt(const Value& exception) {
    (void)exception;
    return false;
  }

  // One step of the iterator that kIter made (loops[index].item receives the item). As attempt(), and kStop
  // at the end. `node` is the kLoop node.
  virtual Action next(const ir::Program& program, const ir::Node& node, const Value& iterator,
                      View& view) = 0;

  // What is known of a value that is there: kAtom and kData as for pending ones, kUnknown when in doubt. Of
  // an iterator that kIter made: what is known of all its items.
  virtual Flags known(const Value& value) = 0;

  // What a ready value is, for code that will meet it: itself when it exists, and what it holds when only the
  // walk that asks has it. Null when nothing can be said.
  virtual KnownRef describe(const Value& value, View& view) {
    (void)value, (void)view;
    return nullptr;
  }
  // What iterating over a value, which may be pending, or stepping an iterator gives.
  virtual KnownRef describe_items(const Value& value, View& view) {
    (void)value, (void)view;
    return nullptr;
  }
  // Whether nothing refers to the object but the value itself.
  virtual bool is_sole(const Value& value) {
    (void)value;
    return false;
  }
  // Whether a value that is not there, through which something is stored, may turn out to be this object,
  // going by what `target` is known to be. kLate: only if the object has come into being late (memory.h).
  enum class MayBe : std::uint8_t { kNo, kLate, kYes };
  virtual MayBe may_be(const Value& target, Object* object) {
    (void)target, (void)object;
    return MayBe::kYes;
  }
  // The value's object and all that can be changed and is reached through it; nullopt when there are too
  // many.
  virtual std::optional<std::vector<Object*>> reached_from(const Value& value) {
    (void)value;
    return std::nullopt;
  }

  // Whether the language may use one object for equal values that have nothing to do with each other.
  virtual bool is_shared(const Value& value) {
    (void)value;
    return false;
  }

  // The items that the iterator will still yield, when they are all at hand, memory around them is clear and
  // there are at most `limit`; taking them out changes nothing. nullopt otherwise.
  virtual std::optional<std::vector<Value>> peek_items(const Value& iterator, std::size_t limit,
                                                       View& view) = 0;

  // Whether taking items from the iterator runs no code that could store to memory anything else sees.
  virtual bool steps_freely(const Value& iterator) = 0;

  // When `iterator` is a generator that has not started, whose function is lowered, and to which nothing
  // refers but the `references` that the window holds in temporaries: its program and slots. The window then
  // runs it as frames of its own, and the host's generator is never resumed.
  virtual std::optional<Enter> take_generator(const Value& iterator, std::uint32_t references) = 0;

  // How a generator that has not started begins, wherever it is held; nullopt of every other iterator.
  virtual std::optional<Enter> unstarted(const Value& iterator) {
    (void)iterator;
    return std::nullopt;
  }

  // As take_generator: an iterator that steps freely in place of `iterator`, or unbound. `goes`: whether the
  // code around lets go of `iterator`, too.
  struct Taken {
    Value iterator;
    bool goes = true;
  };
  virtual Taken take_iterator(const Value& iterator, std::uint32_t references, View& view) {
    (void)iterator, (void)references, (void)view;
    return {};
  }

  // Whether taking items from the iterator may reach an independent call, so that a loop over it gains
  // nothing from being run whole.
  virtual bool may_reach_when_stepped(const Value& iterator) {
    (void)iterator;
    return false;
  }

  // Whether code of the program's runs when `references` references to the value go, which must be all there
  // are: a finalizer, or what a generator that was left has still to do. Hosts without such values need not
  // say so.
  virtual bool drop_runs_code(const Value& value, std::uint32_t references) {
    (void)value, (void)references;
    return false;
  }
  // Whether it may do so once code that waits has had the value: the value itself, not what it holds.
  // nullopt when it may not, or else how many references there are.
  virtual std::optional<std::uint32_t> references_to_ending(const Value& value) {
    (void)value;
    return std::nullopt;
  }

  // Whether nothing happens when this reference to a value that is there goes: others hold it, or it is of a
  // kind that holds nothing of its own. Asked often.
  virtual bool goes_plainly(const Value& value) {
    (void)value;
    return false;
  }

  // Takes back the last `steps` items that next() gave. Only asked of iterators that step freely, and with
  // Options::speculate.
  virtual void rewind(const Value& iterator, std::size_t steps) { (void)iterator, (void)steps; }

  // The exception that leaves a generator's frame as `exception` (a StopIteration becomes a RuntimeError).
  virtual Value leaves_generator(const Value& exception) = 0;

  // The exception that is raised at the yield of a generator that is closed; whether `exception`, which
  // leaves it then, is the end of that; and what becomes of one that is not: nobody catches it.
  virtual Value closes_generator() { return none(); }
  virtual bool has_closed(const Value& exception) { return (void)exception, true; }
  virtual void unraisable(const Value& exception) { (void)exception; }
  // A generator that is closed yields once more.
  virtual void ignored_closing() {}

  // For Action::Context. The exception for a generator that ends without having yielded; what `exception`'s
  // traceback is, before it is raised at the yield; whether `left`, which leaves the generator then, stands
  // for the one that was raised there, whose traceback hand_back() gives back. leaves_context: an exception
  // leaves the step, and would have left the host's own code there; for the traceback.
  virtual Value never_yielded() { return none(); }
  virtual Value traceback_of(const Value& exception) { return (void)exception, none(); }
  virtual bool is_handed_back(const Value& exception, const Value& left) {
    return exception.object() == left.object();
  }
  virtual void hand_back(const Value& exception, const Value& traceback) { (void)exception, (void)traceback; }
  virtual void leaves_context(ContextPart part, const Value& exception) { (void)part, (void)exception; }
  // A value that is_true() says `yes` of.
  virtual Value truth(bool yes) { return (void)yes, none(); }

  // Whether a value that kTruth, kContains or kMatchException yielded is true.
  virtual bool is_true(const Value& value) = 0;

  // The exception that reading the unbound slot `slot` raises.
  virtual Value unbound_error(const ir::Program& program, ir::SlotId slot, const ir::Node& node) = 0;

  // The exception for entering `depth` functions within each other, or unbound when that is still allowed.
  virtual Value depth_error(std::uint32_t depth) = 0;

  // Called when the independent call at `node` has raised `exception`, or it is thrown into the yield there,
  // for the traceback.
  virtual void call_raised(const ir::Program& program, const ir::Node& node, const Value& exception) {
    (void)program, (void)node, (void)exception;
  }

  // Called when an exception leaves the call at `node` of an entered function, for the traceback.
  virtual void unwound(const ir::Program& program, const ir::Node& node, const Value& exception) = 0;

  // From here on, code that runs is inside a handler of `exception` (unbound: none).
  virtual void set_handled(const Value& exception) = 0;

  // The value of a function that ends without return, and of a `with` left without exception.
  virtual Value none() = 0;

  // Whether the keys of two items may be equal. Both are keys of kItem places of one object.
  virtual bool same_key(Object* a, Object* b) = 0;

  // Whether `name` of the callee suggests that running the region natively loses nothing: no call in it can
  // reach an independent one. Asked only when everything before it is committed. `turns`: how many of it have
  // been run already, when it is a loop.
  virtual bool runs_whole(const ir::Program& program, ir::Index statement, std::uint32_t turns) = 0;
};

}  // namespace xcs::window
