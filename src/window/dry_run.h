// What blocked code may still do, found by walking it from where it stands without doing anything.
#pragma once

#include <functional>
#include <optional>
#include <unordered_map>
#include <unordered_set>

#include "window/escapes.h"
#include "window/machine.h"

namespace xcs::window {

// Note [summaries]
// A blocked frame hides the stores of the code it has not reached. The dry run walks that code with the
// variables as they are: nodes are attempted at the frame's place, where nothing is the oldest, so that the
// host does nothing but say what they would do. What is not known becomes a pending value that is never
// filled; both arms of an undecided branch are walked; loops are walked until nothing new comes up. A load
// that may see one of the stores found so far yields an unknown value. A store through an unknown value may
// go anywhere.
class DryRun final : private View {
 public:
  DryRun(Machine& machine, Frame& outer);
  Summary run();
  // One node of `outer`, whose operand is not there: what it may do, whatever that is.
  Summary run(const ir::Program& program, const ir::Node& node, std::span<const Value> operands, Place place);

 private:
  static constexpr Flags kTypes = kData | kAtom;
  static constexpr int kMostTurns = 4;  // of a loop, before it is given up

  // Where control may be after a piece of code, and with which variables.
  struct Flow {
    std::optional<Env> fell, broke, continued;
    std::optional<Value> returned;
  };

  // When it is asked later whether something has been found that matters to what was known at a time.
  struct Mark {
    std::size_t changes, made;
  };
  static const Env& current_env(const Frame& frame);
  Env variables(const Frame& frame);
  Flow rest_of(Frame& frame);
  Flow after_child(Frame& frame, Frame& child, Flow flow);
  // A control frame around the place where control is: of the run, or of a generator between two steps.
  struct Around {
    const ir::Program& program;
    Frame::Kind kind;
    const ir::Region* region;
    const ir::Node* node;
    std::uint32_t pc;
    const Continuation* producer;
    const ir::Region* child;  // the region of the frame inside it, null where that has none
    bool in_body;             // kTry: the frame inside it is its body
  };
  Flow after(const Around& around, const Env& start, Flow flow);
  Flow region(const ir::Program& program, ir::RegionId id, Env env);
  Flow nodes(const ir::Program& program, const ir::Region& region, std::size_t from, Env env);
  bool node(const ir::Program& program, const ir::Node& node, Env& env);
  void control(const ir::Program& program, const ir::Node& node, Env env, Flow& flow);
  Flow branch(const ir::Program& program, const ir::Node& node, Env env);
  Flow loop(const ir::Program& program, const ir::Node& node, Env env);
  // What a loop takes from its iterator: the first items, if they are all there are, and what is known of
  // each.
  struct Items {
    std::optional<std::vector<Value>> first;
    Flags flags = kUnknown;
    KnownRef known;
  };
  Items items_of(const Value& iterator);
  std::optional<Env> first_turns(const ir::Program& program, const ir::Node& node, Env env, Items& items,
                                 Flow& result);
  void all_turns(const ir::Program& program, const ir::Node& node, Env& end, Items items, Flow& result);
  Flow loop_over(const ir::Program& program, const ir::Node& node, Env env, const Enter& generator);
  Flow loop_over(const ir::Program& program, const ir::Node& node, Env env, const Continuation& producer);
  Flow loop_over(const ir::Program& program, const ir::Node& node, Env env, const std::optional<Value>& first,
                 const std::function<std::optional<Value>()>& yielded);
  std::optional<Value> yielded_by(const Continuation& producer);
  Flow walk(Frame* frame);
  Flow end_of_loop(const ir::Program& program, const ir::Node& node, Flow result, std::optional<Env> end);
  // `sent`: what its yields may give; unbound: none() only.
  std::optional<Value> yielded_by(const Enter& generator, const Value& sent = Value());
  std::optional<Env> turn(const ir::Program& program, const ir::Loop& loop, const Env& env, const Value& item,
                          Flow& result);
  bool settle(Env& end, Env joined, Mark before, int turns);
  bool settles(const Env& joined, const Env& end) const;
  Flow loop_once(const ir::Program& program, const ir::Loop& loop, Env env, const Value& item);
  Flow attempt_try(const ir::Program& program, const ir::Node& node, const Env& env);
  Flow after_body(const ir::Program& program, const ir::Try& t, const Env& start, Flow body);
  Flow finally(const ir::Program& program, const ir::Try& t, const Env& start, Flow flow);
  // What the variables that a try statement assigns have been on the way, and whether its handlers may meet
  // an exception that leads to objects which exist.
  struct Tried {
    int activation;
    std::unordered_map<ir::SlotId, Value> seen;
    bool raises_objects = false;
  };
  Env forgotten(const ir::Program& program, const ir::Try& t, const Env& start, bool anywhere);
  void begin_try(const Frame& frame, int activation);
  void gather_snapshots(const Frame& frame, const std::vector<ir::SlotId>& slots, Tried& tried, int& budget);
  void see(Tried& tried, ir::SlotId slot, const Value& value);
  void end_try();
  void note_raised(const Value& exception);
  void note_raised_objects();
  static std::vector<ir::SlotId> all_assigned(const ir::Program& program, const ir::Node& node);
  void note_assigned(const Env& env, ir::SlotId slot);
  void note_assigned(const ir::Program& program, const ir::Node& node, const Env& env);
  Value enter(Enter enter);
  bool is_covered(const std::vector<Value>& slots, const std::vector<Value>& general);

  void take_effect(const Action& action, std::span<const Value> operands, Flags stored = kUnknown);
  bool attempt(const ir::Program& program, const ir::Node& node, std::vector<Value> operands, Env& env,
               int depth);
  bool step_context(const Action& action, const ir::Node& node, std::span<const Value> operands, Env& env);
  void note_cause(const ir::Program& program, const ir::Node& node, const Action& action);
  bool each_of(const Value& ambiguous, const ir::Program& program, const ir::Node& node,
               const std::vector<Value>& operands, std::size_t operand, Env& env, int depth);
  void note_made(const Value& value);
  // Whether only the walk has it, in its variables.
  bool is_fresh(const Value& value);
  bool is_own(const Value& value) const { return value.is_pending() && own_.contains(value.cell()); }
  bool is_made(const Value& value) const { return value.ready() && made_.contains(value.object()); }
  void note_escapes(const ir::Node& node, const Action& action, std::span<const Value> operands);
  KnownRef known_of(const Value& value);
  Summary::Fact fact_of(const Value& value);
  void take_explicit(const Frame& frame);
  void take_explicit(const Frame& frame, bool& certain);
  void take_footprint(const Frame& frame);
  void add_place(const Effect::Store& store);
  void merge_place(Effect::Store place, bool own, bool made_by_walk);
  Value unknown(Flags flags, KnownRef known = nullptr);
  bool leads_out(const Value& value) const {
    return value.is_pending() && leading_out_.contains(value.cell());
  }
  bool any_leads_out(std::span<const Value> values) const;
  void note_leading_out(const Value& value);
  Flags flags_of(const Value& value);
  Value join(const Value& a, const Value& b);
  void join(Env& into, const Env& env);
  void note_one_of(const Value& both, const Value& a, const Value& b);
  void join(std::optional<Env>& into, std::optional<Env> env);
  void join(std::optional<Value>& into, std::optional<Value> value);
  void join(Flow& into, Flow flow);
  void set_dests(const ir::Program& program, const ir::Node& node, const Action& action, Env& env);

  bool quiet() override { return false; }
  bool assigns_at_once() override { return true; }
  std::uint64_t walks() override { return number_; }
  Value any_of(const KnownRef& known) override { return unknown(window::flags_of(known), known); }
  State look(Object* object, Where where) override;
  State look_anywhere() override;
  bool describes_made(Object* object) override;
  std::optional<std::vector<std::pair<Object*, KnownRef>>> attributes_made(Object* object) override;
  Taking take(Object*, std::uint32_t) override { return Taking::kWalked; }
  Flags blocked_flags() override { return answer_.flags; }
  KnownRef blocked_known() override;
  KnownRef stored_unnamed(const Object* attribute) override;
  bool unnamed_is_plain(bool described) override;
  std::span<const PendingStore> stores() override { return answer_.stores; }

  Machine& machine_;
  std::uint64_t number_;
  Frame& outer_;
  Place place_{nullptr, 0};
  Summary summary_;
  Mark mark() const { return {changes_.size(), kept_.size()}; }
  bool unchanged_since(Mark mark) const;
  std::vector<std::size_t> changes_;       // of places: the numbers of their objects, 0 of those that exist
  std::vector<Effect::Store> own_places_;  // what is stored to objects that only this walk has
  bool guesses_ = false;       // control may come from a guess: nothing is known of what it leaves behind
  std::size_t budget_ = 4000;  // nodes to look at before giving up
  struct Entered {
    const ir::Program* program;
    bool general;                                             // nothing is known of its atoms
    std::vector<Value> slots;                                 // parameters and cells
    Summary::Fact result = {kData | kAtom, known_nothing()};  // general: of the activations that it covers
    bool is_met = false;                                      // whether there have been any
  };
  std::vector<Entered> entered_;
  int activation_ = 0;  // how many there are around the code that is walked
  std::vector<Tried> tried_;
  std::vector<std::optional<Value>> yields_;  // what the generators being walked yield, the innermost last
  Value sent_;                                // what is sent to the innermost
  std::vector<Value> unknowns_;
  std::unordered_set<const Cell*> own_;              // made here: values that do not exist yet
  Escapes escapes_;                                  // of these, and of made_
  std::unordered_set<const Cell*> stands_for_made_;  // of own_, those that may be one of made_
  // Of these, those that are data to whoever reads them and may lead to any object that exists; see Note
  // [raised objects].
  std::unordered_set<const Cell*> leading_out_;
  // Objects that only this walk has, numbered as they came.
  std::unordered_map<const Object*, std::size_t> made_;
  std::unordered_set<const Object*> described_;  // of these, those that have been
  std::vector<Value> kept_;                      // keeps the addresses of made_ their own
  MemoryIndex::Answer answer_;
  Unlisted unlisted_;     // as in MemoryIndex
  KnownRef met_;          // of what the walk itself stored where it looked
  bool met_any_ = false;  // whether it did
};

}  // namespace xcs::window
