// The machine behind Run: fetch (fetch.cc, frames.cc, control.cc, pass.cc), issue and commit (commit.cc),
// what blocked frames may store (dry_run.cc). Everything happens on the thread that runs the program.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <unordered_map>
#include <utility>

#include "window/item.h"
#include "window/memory.h"
#include "window/run.h"
#include "window/waits.h"

namespace xcs::window {

std::uint64_t now_ns();

// What a frame that the parent goes on without may do.
struct Summary {
  Footprint footprint;
  // What is known of a variable or a result.
  struct Fact {
    Flags flags = kUnknown;
    KnownRef known;
  };
  std::vector<Fact> outputs;  // of each slot the frame may assign, in the order of assigned()
  Fact result;                // of an activation
};

class Machine : private View {
 public:
  Machine(Host& host, Executor& executor, const Options& options);
  ~Machine() override;
  Machine(const Machine&) = delete;
  Machine& operator=(const Machine&) = delete;

  void begin(Enter enter);
  bool step();
  Stop advance();
  Stop run_on();
  const Value& yielded() const { return yielded_; }
  void resume(Value sent);
  void resume_raising(Value exception);
  Ticket oldest() const;
  void interrupt(Value exception);
  void abandon();
  Outcome take();
  const Counters& counters() const { return counters_; }
  std::vector<Site> sites() const;

  void enqueue(Item& item);
  void dequeue(Item& item);

 private:
  friend class DryRun;
  friend class NativeMachine;
  enum class Test : std::uint8_t { kTrue, kFalse, kGone };

  // Fetch. Each returns the frame to go on with, or null when none can.
  void fetch(Frame* frame);
  Frame* advance(Frame& frame);
  void stall(Frame& frame);
  bool has_arrivals();
  Frame* run_nodes(Frame& frame);
  Frame* run_node(Frame& frame, const ir::Node& node);
  Frame* move(Frame& frame, const ir::Node& node);
  Frame* unbind(Frame& frame, const ir::Node& node);
  void require_bound(Frame& frame, const ir::Node& node);
  Frame* leave(Frame& frame, const ir::Node& node);
  std::vector<Caller> callers() override;
  Value too_deep(Place place, const ir::Node& call, const Value& handled);
  Frame* make_activation(Frame* parent, std::uint64_t sequence, Enter enter);
  static void suspend_for(Frame& parent, Frame& child);
  Frame* push_activation(Frame& frame, const ir::Node& node, Enter enter);
  Frame* push_region(Frame& frame, ir::RegionId region);
  Frame* push_control(Frame& frame, Frame::Kind kind, const ir::Node& node);
  Frame* finish(Frame& frame);
  void finish_passed(Frame& frame);
  void hand_over(Frame& frame, Frame& parent, const Value& returned);
  Frame* resume(Frame& parent, bool activation, Exit exit, Value returned, Frame* unfinished);
  Frame* raise(Frame& frame, const ir::Node& node, Value exception);
  Frame* raise_unbound(Frame& frame, const ir::Node& node, ir::SlotId slot);
  Frame* block_on(Frame& frame, const ir::Node& node, Action& action);
  Frame* block(Frame& frame);
  Frame* pass(Frame& frame, bool raising);
  void index(Frame& frame);
  Frame* go_on_without(Frame& parent, Frame& child);

  // Speculation.
  bool recurs_on_guess(Frame& frame) const;
  bool may_guess(const Frame& blocked, Frame& frame) const;
  Frame* guess(Frame& frame);
  Frame* wait_for_guess(Frame& scope);
  void close_guess(Frame& guess, bool wrong);
  Frame* roll_back(Frame& guess);
  void take_back_items(Frame& loop, Env& env, std::uint32_t items);
  Frame* guess_before(Place place) const;

  // Control.
  Frame* whole(Frame& frame, const ir::Node& node, ir::Index statement);
  std::optional<bool> run_whole(Frame& frame, const ir::Node& node, ir::Index statement, std::uint32_t turns,
                                Frame*& next);
  bool rest_runs_whole(Frame& frame, Frame*& next);
  Frame* advance_if(Frame& frame);
  Frame* advance_loop(Frame& frame);
  Frame* next_item(Frame& frame);
  Frame* enter_body(Frame& frame);
  Frame* end_loop(Frame& frame);
  Frame* resume_loop(Frame& frame, Exit exit, Value returned);
  Frame* advance_try(Frame& frame);
  Frame* resume_try(Frame& frame, Exit exit, Value returned, Frame* unfinished);
  Frame* conclude_try(Frame& frame);
  Frame* wait_until_safe(Frame& frame, Frame* child);
  Test test(Frame& frame, ir::SlotId condition, Frame*& next);

  // Generators.
  static bool is_read_again(const Frame& innermost, ir::SlotId slot);
  static std::optional<std::uint32_t> held_by_temporaries(Frame& innermost, const Object* object);
  static void let_go(Frame& innermost, const Object* object);
  void forget_iterator(const Frame& loop, const Value& iterator);
  void drop_iterator(Frame& loop);
  bool take_generator(Frame& loop);
  Frame* resume_producer(Frame& loop);
  Frame* restore(Frame& around, Continuation& producer, std::unique_ptr<ContextStep> context);
  void suspend(const std::vector<Frame*>& chain, const ir::Node& yield, Continuation& suspended);
  static Item* unsafe_in_try(const std::vector<Frame*>& chain);
  Frame* close_generator(Frame& loop);
  Frame* leave_closed(Frame& frame);
  Frame* left_by_exception(Frame& loop, Entry& entry);
  Frame* closed_by_exception(Frame& loop, Entry& entry);
  Frame* yield(Frame& frame, const ir::Node& node);
  Frame* yield_out(Frame& frame);
  void close_step(Frame& frame);

  // Contexts.
  Frame* open_context(Frame& frame, const ir::Node& node, Enter enter);
  Frame* enter_context(const std::vector<Frame*>& chain, const ir::Node& node, Value value);
  Frame* never_yields(Frame& step);
  Frame* close_context(Frame& frame, const ir::Node& node);
  Frame* context_raises_on(Frame& around, Frame& step, Entry& entry);
  static OpenContext* find_context(Frame* frame, const Object* manager);
  void note_unwound(const Frame& activation, const Value& exception);

  // Entries.
  Entry& add_entry(Frame& frame, const ir::Node& node);
  static void give_results(Entry& entry, Frame& frame, const Action& action);
  void dispatch(Entry& entry, Action action);
  void retry(Entry& entry);
  void become_frame(Entry& entry, Enter enter);
  void complete(Entry& entry, Value value, std::vector<Value> values);
  virtual void fail(Entry& entry, Value exception);
  void mark_done(Item& item);
  void mark_safe(Item& item);
  void issue(Entry& entry, std::unique_ptr<Call> call, bool in_turn);
  void start(Entry& entry);
  void start_waiting();

  // Commit and failure.
  std::optional<Stop> move();
  bool commit();
  bool deliver(std::vector<Completion> completions);
  bool handle_failures();
  Frame* handle(Entry& entry);
  Frame* raise_out_of(Frame& loop, Frame& inner, Entry& entry);
  void end_run(const Entry& entry);
  Frame* enter_handler(Frame& frame, Entry& entry);
  void unwind(Frame& frame, Entry& entry);
  void discard_after(Frame& frame, Entry& entry);
  void discard_last(Frame& frame);
  void close(Frame& frame);
  void discard(Item& item);
  void free(Item* item);
  void trim(Frame& frame);
  bool is_oldest(Place place);

  // What differs when frames are native; see native.h.
  virtual Frame* advance_native(Frame& frame);
  virtual bool decide() { return false; }
  virtual void stuck();

  // Summaries.
  Summary summarize(Frame& frame);
  void narrow(Action& action, const ir::Program& program, const ir::Node& node,
              std::span<const Value> operands, Place place);
  KnownRef stored_known(const Item& item, const Effect::Store& store, View& view);
  void announce(Entry& entry, Effect effect);
  const std::vector<ir::SlotId>& assigned(const Frame& frame);
  static bool may_leave(const Frame& frame);
  static bool is_endless(const Frame& loop);

  // Sets what the View and the host's idea of a handled exception are about.
  void release_temporaries(Frame& frame, const ir::Node& node);
  bool ends_with(const Frame& frame, const Value& old);
  void let_end(Frame& frame, const ir::Node& node, Value old);
  void let_variables_end(Frame& activation);
  void stand_at(Place place, const Value& handled);
  Action attempt(const ir::Program& program, const ir::Node& node, std::span<const Value> operands,
                 Place place, const Value& handled);
  Action ask(const ir::Program& program, const ir::Node& node, std::span<const Value> operands, View& view);
  Action apart_from_interrupts(Action action, View& view);
  void gather(Frame& frame, const ir::Node& node);
  static std::optional<ir::SlotId> first_unbound(const ir::Node& node, std::span<const Value> operands);
  void note_contents(const Value& object, Chain chain);
  void note_made(const ir::Program& program, const ir::Node& node, const Value& made);
  void note_stored(const Value& container, std::span<const Value> values, Chain chain);
  void note_ran_whole(const Frame& frame, Place place, std::span<const Value> operands, const Action& action);
  // `item`: what gives the result.
  void fill(const Value& result, Value content, const Item& item);
  Chain contents_of(const Value& object) const;
  static Chain chain_of(std::span<const Value> operands, Chain at_least);
  // What led to the result of a node that is done.
  Chain chain_of(const ir::Program& program, const ir::Node& node, std::span<const Value> operands,
                 const Action& action, Chain at_least) const;

  // What is noted of waits (blame.cc).
  void begin_wait(Item& item, Waits::Row row, Waits::Row held_by);
  void end_wait(Item& item, std::uint64_t now_ns = 0);
  Waits::Row blame_of(const Item& blocker, ReasonCode reason);
  void note_wait(Item& item, const ir::Program& program, const ir::Node& node, const Action& action,
                 const Value* awaited, ReasonCode own);
  void note_entry_wait(Entry& entry, const Action& action);
  void note_control_wait(Frame& frame, const ir::Node& node, const Action& action);
  void note_decision(Frame& frame, const Value& awaited);
  void note_order(Item& item, const ir::Program& program, const ir::Node& node, explain::Reason reason);
  void note_limit(Item& item, explain::Reason reason);
  void note_exit(Frame& frame, const Frame& leaver, Frame& held_up);
  void end_exit(Frame& frame);
  void note_issue(const Entry& entry);

  // View.
  bool quiet() override;
  State look(Object* object, Where where) override;
  State look_anywhere() override;
  State look_listed(Object* object) override;
  Flags blocked_flags() override { return answer_.flags; }
  KnownRef blocked_known() override;
  KnownRef stored_unnamed(const Object* attribute) override { return memory_.unlisted().of(attribute); }
  bool unnamed_is_plain(bool described) override { return memory_.unlisted().plain(described); }
  std::span<const PendingStore> stores() override { return answer_.stores; }
  bool assigns_at_once() override;
  std::uint32_t held(Object* object) override;
  Taking take(Object* object, std::uint32_t references) override;
  bool is_left_alone(Object* object, std::uint32_t references) override;
  void done_in_order(ReasonCode reason, std::uint64_t nanoseconds) override;

  Host& host_;
  Executor& executor_;
  const Options options_;
  MemoryIndex memory_;
  Frame* root_ = nullptr;
  bool complete_ = false;
  Outcome outcome_;
  Frame* yielding_ = nullptr;  // where the run's own generator waits to be resumed
  Value yielded_;
  struct InOrder {
    bool operator()(const Item* a, const Item* b) const { return earlier(*a, *b); }
  };
  std::set<Item*, InOrder> ready_;  // see Note [what is ready]
  std::vector<Frame*> stalled_;     // for want of room in the window, or for what arrived_ holds
  std::vector<Completion> arrived_;
  Value interrupt_;  // that found no call in flight: raised by the next node that runs in order
  std::uint32_t advances_ = 0;
  std::vector<Entry*> failed_;
  std::map<std::uint64_t, Entry*> unstarted_;  // issued, for want of room in flight; by Entry::line
  std::uint64_t last_line_ = 0;
  std::unordered_map<Ticket, Entry*> in_flight_;
  Ticket last_ticket_ = 0;
  std::uint64_t live_ = 0;  // entries and passed frames that are not done
  Counters counters_;
  Waits waits_;
  std::uint64_t stops_ = 0;  // see Note [exits that hold up]
  std::unordered_map<const ir::Node*, std::vector<ir::SlotId>> assigned_;
  std::map<std::pair<const ir::Node*, std::size_t>, ir::Node> reads_;  // of operands that may be unbound
  std::uint64_t walks_ = 0;                                            // dry runs so far
  // Stores that stored_known() is being asked about, each for the sake of the one before; and all that it was
  // asked about for the sake of the first.
  int stored_depth_ = 0, stored_asked_ = 0;
  Value handled_;  // what the host believes is being handled
  // What led to the contents of the objects stored to, for loads that find them committed.
  std::unordered_map<Object*, Chain> contents_;

  // The attempt under way.
  Cause attempted_;
  Place place_{nullptr, 0};
  int quiet_ = -1;
  Item* blocker_ = nullptr;
  Chain seen_;  // what led to the pending stores that were looked at
  MemoryIndex::Answer answer_;
  std::vector<Value> operands_;
  std::size_t open_guesses_ = 0;
};

}  // namespace xcs::window
