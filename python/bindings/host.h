// The window's host for Python: what each node means for the objects it meets.
//
// Everything is CPython's own doing: fragments, attribute access and calls go through its C API. The host
// decides from the operands' types which of it may happen now. When everything before a node has been
// committed (View::quiet), anything may. Otherwise only what runs no code of the user's and reads only memory
// that the view has been asked about; see Snapshot.
#pragma once

#include <chrono>
#include <optional>
#include <unordered_map>

#include "actions.h"
#include "contract.h"
#include "describe.h"
#include "draws.h"
#include "iterate.h"
#include "ledger.h"
#include "observations.h"
#include "program.h"

namespace xcs::python {

using window::Enter;

struct HostCall;
struct Touched;

// One attempt at one node.
struct Site {
  const HostProgram& program;
  const ir::Node& node;
  std::span<const Value> operands;
  View& view;

  const Value& operator[](std::size_t i) const { return operands[i]; }
  // Does what runs in order for `reason`, and says how long it took.
  template <class Do>
  Action in_order(Reason reason, Do run) const {
    const auto began = std::chrono::steady_clock::now();
    Action a = run();
    const std::chrono::nanoseconds took = std::chrono::steady_clock::now() - began;
    view.done_in_order(static_cast<window::ReasonCode>(reason), static_cast<std::uint64_t>(took.count()));
    return a;
  }
  PyObject* object(std::size_t i) const { return object_of(operands[i]); }  // REQUIRES: ready
  bool awaited() const;  // whether the result of the node's call is awaited
};

// The arguments of one call, with * and ** spread out. Values may be pending.
struct Arguments {
  std::vector<Value> positional;
  std::vector<std::pair<nb::object, Value>> keywords;
  bool has_self = false;  // the first positional one is what the method was found on
  // Only while code is walked: a mapping of data, not there yet, that is spread out over the parameters that
  // the others leave, and what these may get: one of its values, or that or a default. Unbound: there is
  // none.
  Value spread = {}, spread_item = {}, spread_or_default = {};
  // Likewise: what there may be any number of after the positional ones. Unbound: there is none.
  Value more = {};

  bool ready() const;
  bool data(View& view) const;     // is_data of each
  bool builtin(View& view) const;  // likewise is_builtin, and there are no keywords
  const Value* pending() const;    // the first that is, or null
};

// Whether a method of builtin containers by this name changes them.
bool is_mutator(std::string_view name);

// The value that a pending store leaves in the attribute that it is known to set, or null when it may be
// another.
const Value* assigned_attribute(const PendingStore& store);

// What super() finds by the name, before it is bound; null when nothing.
nb::object found_through_super(PyObject* super, PyObject* name);

// Whether calling the object runs Python code that the registry does not know.
bool is_python_callable(PyObject* object);

// Whether an argument is given that the callee changes; the second: by its name.
bool changes_any(const Contract& contract, const Arguments& arguments);
bool changes_named(const Contract& contract, const Arguments& arguments);

// Stands for the context variables among the places of memory.
PyObject* context_variables();

class PythonHost final : public window::Host {
 public:
  PythonHost();
  // With `outer` as the exception that is being handled around the run; None when the run has a frame of its
  // own.
  explicit PythonHost(nb::object outer);
  ~PythonHost() override;

  Action attempt(const ir::Program& program, const ir::Node& node, std::span<const Value> operands,
                 View& view) override;
  Action next(const ir::Program& program, const ir::Node& node, const Value& iterator, View& view) override;
  bool is_interrupt(const Value& exception) override;
  bool is_true(const Value& value) override;
  window::Flags known(const Value& value) override;
  bool is_shared(const Value& value) override;
  // Of a load that is blocked: `committed` is what the place holds now, or null when it holds nothing.
  Action blocked_at(View& view, PyObject* committed);
  std::optional<std::vector<Value>> peek_items(const Value& iterator, std::size_t limit, View& view) override;
  KnownRef describe(const Value& value, View& view) override;
  KnownRef describe_items(const Value& value, View& view) override;
  bool is_sole(const Value& value) override;
  MayBe may_be(const Value& target, window::Object* object) override;
  std::optional<std::vector<window::Object*>> reached_from(const Value& value) override;
  bool steps_freely(const Value& iterator) override;
  std::optional<Enter> take_generator(const Value& iterator, std::uint32_t references) override;
  std::optional<Enter> unstarted(const Value& iterator) override;
  Taken take_iterator(const Value& iterator, std::uint32_t references, View& view) override;
  bool may_reach_when_stepped(const Value& iterator) override;
  bool goes_plainly(const Value& value) override;
  bool drop_runs_code(const Value& iterator, std::uint32_t references) override;
  std::optional<std::uint32_t> references_to_ending(const Value& value) override;
  void rewind(const Value& iterator, std::size_t steps) override;
  Value leaves_generator(const Value& exception) override;
  Value closes_generator() override;
  bool has_closed(const Value& exception) override;
  void unraisable(const Value& exception) override;
  void ignored_closing() override;
  Value never_yielded() override;
  Value traceback_of(const Value& exception) override;
  bool is_handed_back(const Value& exception, const Value& left) override;
  void hand_back(const Value& exception, const Value& traceback) override;
  void leaves_context(window::ContextPart part, const Value& exception) override;
  Value truth(bool yes) override;
  Value unbound_error(const ir::Program& program, ir::SlotId slot, const ir::Node& node) override;
  Value depth_error(std::uint32_t depth) override;
  void unwound(const ir::Program& program, const ir::Node& node, const Value& exception) override;
  void call_raised(const ir::Program& program, const ir::Node& node, const Value& exception) override;
  void set_handled(const Value& exception) override;
  Value none() override { return borrow_value(Py_None); }
  bool same_key(window::Object* a, window::Object* b) override;
  bool runs_whole(const ir::Program& program, ir::Index statement, std::uint32_t turns) override;

  // The function called with the arguments as CPython would bind them; kEnter, kDone or kRaised.
  // REQUIRES: everything is committed
  Action begin(PyObject* function, PyObject* const* args, std::size_t count, PyObject* keyword_names);

  // Puts what the program's containers still lack in its place. REQUIRES: the run is complete
  void finish() { placeholders_.settle(); }

  // Independent calls get what a Recorder knows them by.
  void identify_calls() { identifies_ = true; }

  // What the program's own code calls is entered there, see Note [who pays].
  void charge(Ledger& ledger) { ledger_ = ledger.shared_from_this(); }

 private:
  // What a generator, or another iterator that a program gives the items of, began with, while it has not
  // been asked for anything.
  struct Begun {
    nb::object generator;  // a weak reference to it; null for other iterators
    Watch watch;           // of another iterator: whether it has been asked
    Enter enter;
    bool reaches = false;  // whether its steps may reach an independent call
  };

  // The function of Python's that gives an attribute: of a property, of functools.cached_property, or the
  // __get__ of a descriptor of the program's.
  struct Getter {
    nb::object function;
    std::vector<Value> given;
    nb::object reaches;  // what decides whether it reaches an independent call
  };
  static std::optional<Getter> getter_of(PyObject* object, PyObject* found, PyObject* name);

  // host.cc
  Action make_function(const Site& s);
  Action make_cell(const Site& s);
  Action load_global(const Site& s);
  Action store_global(const Site& s);
  Action load_cell(const Site& s);
  Action store_cell(const Site& s);
  Action statement(const Site& s);
  bool only_finds(const Site& s, const ir::Statement& import);
  static Action run_statement(const Site& s, const ir::Statement& shape);
  static Action run_whole(const Site& s, const ir::Statement& shape);
  static Action call_statement(const Site& s, const nb::object& function, const nb::list& variables,
                               const nb::object& inputs);
  Action match_exception(const Site& s);
  bool shows_raised(const Site& s) const;
  Action raise(const Site& s);
  Action attempt_node(const Site& s);
  static std::span<const Value> asked_by_class(const Site& s);
  static bool may_change_class(std::span<const Value> asked, View& view);
  static void add_traceback(const HostProgram& program, const ir::Node& node, PyObject* exception);
  // host_operators.cc
  Action evaluate(const Site& s);
  static bool compare_identity(const Site& s, Action& answer);
  Action evaluate_pending(const Site& s, const ir::Fragment& fragment);
  Action evaluate_with_placeholders(const Site& s);
  Action evaluate_over(const Site& s, Depth depth);
  Action inplace(const Site& s);
  static Action inplace_pending(const Site& s);
  bool inplace_privately(const Site& s, Action& answer);
  Action truth(const Site& s);
  static bool may_show_copies(const Action& a, const Snapshot& now);
  // host_attributes.cc
  Action load_attribute(const Site& s);
  Action load_attribute(const Site& s, const Value& of, PyObject* name);
  Action load_pending_attribute(const Site& s, const Value& of, PyObject* name);
  static Action load_module_attribute(const Site& s, PyObject* module, PyObject* name);
  static Action load_class_attribute(const Site& s, PyTypeObject* type, PyObject* name);
  Action load_with_hook(const Site& s, PyObject* object, PyObject* name);
  Action load_instance_attribute(const Site& s, PyObject* object, PyObject* name);
  Action load_by_descriptor(const Site& s, PyObject* object, PyObject* found, PyObject* name);
  Action load_by_getter(const Site& s, PyObject* object, PyObject* found, PyObject* name);
  bool call_by_getter(PyObject* object, PyObject* name, const Arguments& arguments, Action& answer);
  Action store_attribute(const Site& s);
  // `by_class`: as the class of `target` says, where it has a __setattr__ of its own. `value` is the operand
  // that is stored, kNone to remove.
  Action store_attribute(const Site& s, const Value& target, PyObject* name, std::uint32_t value,
                         bool by_class);
  Action special(const Site& s);
  Arguments arguments_of_special(const Site& s);
  Action call_special(const Site& s, PyObject* method);
  void push_exception(const Site& s, Arguments& arguments);
  // host_instances.cc
  static const window::Instance* instance_of(const Value& value, View& view);
  // The class of a value, which may be pending; null when it is not known.
  static PyTypeObject* known_class(const Value& value, View& view);
  static KnownRef own_attribute(const window::Instance& instance, PyObject* name, View& view);
  static bool load_attribute_of_any(const Value& of, PyObject* name, View& view, Action& answer);
  Action load_instance_attribute(const Site& s, const Value& of, const window::Instance& instance,
                                 PyObject* name);
  static Action store_instance_attribute(const Value& target, const window::Instance& instance,
                                         PyObject* name, std::uint32_t value);
  bool call_instance_method(const Site& s, const Value& receiver, PyObject* name, Arguments arguments,
                            Action& answer);
  // host_super.cc
  bool make_super(const Site& s, PyObject* callee, const Arguments& arguments, Action& answer);
  static PyObject* unbound_slot(PyObject* callee, Arguments& arguments);
  bool call_base_slot(const Site& s, PyObject* callee, const Arguments& arguments, Action& answer);
  bool set_attribute(const Site& s, const Arguments& arguments, bool by_class, Action& answer);
  // host_items.cc
  bool enter_default(const Site& s, Action& answer);
  Action load_item(const Site& s);
  static Action load_or_make(const Site& s, std::size_t pending);
  KnownRef found_in_each(const Site& s);
  Action load_pending_item(const Site& s, std::size_t pending);
  Action load_list_item(const Site& s, PyObject* list, PyObject* index);
  Action load_key(const Site& s, PyObject* dict, PyObject* key, const Value* fallback);
  Action store_item_now(const Site& s, bool removes);
  static Action store_pending_item(const Site& s, bool removes);
  Action store_item(const Site& s);
  Action store_slice(const Site& s);
  Action contains(const Site& s);
  Action unpack(const Site& s);
  Action spread(const ir::Unpack& shape, const nb::object& source);
  Action append(const Site& s);
  // host_private.cc
  // Whether only the code being fetched can reach `object`, when `others` references to it, besides the
  // operands and the variables, are accounted for. The functions after it return whether they did the store;
  // `answer` tells of it.
  bool is_private(const Site& s, PyObject* object, std::uint32_t others = 0) const;
  bool append_privately(const Site& s, PyObject* list, const Value& item, std::uint32_t others,
                        Action& answer);
  bool mutate_privately(const Site& s, PyObject* container, std::string_view method,
                        const Arguments& arguments, Action& answer);
  bool reads_plainly(const Site& s, const Arguments& arguments, Depth depth);
  bool store_item_privately(const Site& s, PyObject* container, PyObject* key, Action& answer);
  bool store_attribute_privately(const Site& s, PyObject* object, PyObject* name, PyObject* value,
                                 bool by_class, Action& answer);
  // host_loops.cc
  Action iterate(const Site& s);
  static Action step(PyObject* object, View& view);
  static bool step_generator(const Site& s, PyObject* callee, const Arguments& arguments, Action& answer);
  static bool is_progress(PyObject* bar);
  bool iterate_progress(PyObject* bar, Action& answer);
  static bool iterate_lines(View& view, const Value& reader, std::uint32_t held, Action& answer);
  Action make_generator(PyObject* function, const ProgramRef& program, Arguments arguments);
  // host_calls.cc
  Action call(const Site& s);
  Action pending_callee(const Site& s);
  Action call_method(const Site& s);
  bool call_unbound(const Site& s, PyObject* name, Arguments& arguments, Action& answer);
  static Action hiding_attribute(const Site& s, PyObject* object, PyObject* name);
  Action call_found(const Site& s, PyObject* callee, Arguments arguments);
  static PyObject* unwrapped(const Site& s, PyObject* callee, Arguments& arguments);
  bool call_bound_builtin(const Site& s, PyObject*& callee, Arguments& arguments, Action& answer);
  Action call_object(const Site& s, PyObject* callee, Arguments arguments);
  bool call_attribute_function(const Site& s, PyObject* callee, const Arguments& arguments, Action& answer);
  bool is_known_method(PyObject* callee) const;
  // host_arguments.cc
  Action gather_arguments(const Site& s, const ir::CallShape& shape, Arguments& arguments);
  Action needs_spread(const Site& s, std::size_t operand);
  Action spread_argument(const Site& s, std::size_t operand, bool mapping, Arguments& arguments);
  static Action spread_mapping(const Site& s, std::size_t operand, const nb::object& source,
                               Arguments& arguments);
  bool takes_spread(PyObject* callee) const;
  static Action star_error(const Site& s, std::size_t operand, bool mapping);
  static Action needs_argument(const Site& s, const Value& argument, Flags flags, Effect::Memory memory);
  static void bind_partial(PyObject* partial, Arguments& arguments);
  // host_contracts.cc
  static bool gives_type(PyObject* callee, const Contract& contract, const Arguments& arguments, View& view);
  Action call_guarded(const Site& s, PyObject* callee, const Contract& contract, Arguments arguments);
  Action call_contract(const Site& s, PyObject* callee, const Contract& contract, Arguments arguments);
  bool calls_back(const Contract& contract, const Arguments& arguments) const;
  static bool guard_holds(const Contract& contract, const Arguments& arguments);
  // host_pure.cc
  Action call_pure(const Site& s, PyObject* callee, const Contract& contract, Arguments arguments);
  Action call_blind(const Site& s, PyObject* callee, const Contract& contract, const Arguments& arguments);
  Action call_over(const Site& s, PyObject* callee, const Contract& contract, const Arguments& arguments);
  static Action changes_arguments(const Site& s, const Contract& contract, const Arguments& arguments,
                                  Action a);
  bool change_privately(const Site& s, PyObject* callee, const Contract& contract, const Arguments& arguments,
                        Action& answer);
  // host_builtins.cc
  static bool reads_keys(const Site& s, PyObject* callee, const Arguments& arguments, Action& answer);
  bool reads_container(const Site& s, PyObject* callee, const Arguments& arguments, Action& answer);
  bool makes_dict(const Site& s, PyObject* callee, const Arguments& arguments, Action& answer);
  Action call_composing(const Site& s, PyObject* callee, const Arguments& arguments, Snapshot* now);
  // host_issue.cc
  bool freeze(const Site& s, const Contract& contract, Flags flags, Arguments& arguments, Action& answer);
  // `awaits`: the result is awaited, on the event loop.
  Action issue(const Site& s, PyObject* callee, const Contract& contract, Arguments arguments, bool awaits);
  static void identify(const Site& s, PyObject* callee, bool native, const Arguments& arguments,
                       HostCall& call);
  // host_ordered.cc
  void add_named_objects(PyObject* callee, int depth, Effect& effect);
  Action captures(const Site& s, PyObject* callee, Flags flags);
  Action call_in_order(const Site& s, PyObject* callee, const Contract& contract, Arguments arguments);
  bool read_early(const Site& s, PyObject* callee, const Contract& contract, const Arguments& arguments,
                  std::span<const window::Where> places, Action& answer);
  Action use_resource(const Site& s, PyObject* callee, const Contract& contract, const Arguments& arguments,
                      const Touched& touched);
  Action make_for_walk(const Site& s, PyObject* callee, const Arguments& arguments);
  Action started_in_turn(const Site& s, PyObject* callee, const Arguments& arguments, Action a);
  // host_draws.cc
  bool draw_early(const Site& s, PyObject* callee, const Contract& contract, const Arguments& arguments,
                  Action& answer);
  bool take_next(const Site& s, const Arguments& arguments, Action& answer);
  Action early(const Site& s, PyObject* source, PyObject* function, std::span<const Value> positional,
               const Arguments& arguments, Flags flags);
  // host_invoke.cc
  Action call_unknown(const Site& s, PyObject* callee, Arguments arguments, Reason reason);
  static Action call_native(PyObject* callee, const Arguments& arguments);
  static Action call_framed(const Site& s, PyObject* callee, Arguments arguments);
  static std::vector<Value> frames_of(const Site& s, bool own);
  static Action without_frames(Action a, std::span<const Value> frames);
  // host_await.cc
  static bool makes_awaitable(PyObject* callee, const Contract& contract);
  Action call_awaited(const Site& s, PyObject* callee, Arguments arguments);
  bool call_on_thread(const Site& s, const Arguments& arguments, Action& answer);
  Action enter_awaited(const Site& s, PyObject* function, const ProgramRef& program, Arguments arguments);
  Action make_awaitable(const Site& s, PyObject* callee, const Contract& contract, Arguments arguments);
  Action await(const Site& s);
  Action await_in_turn(const Value& awaitable);
  // host_prelude.cc
  bool enter_collected(const Site& s, PyObject* callee, const Arguments& arguments, Action& answer);
  bool enter_prelude(const Site& s, PyObject* callee, const Contract& contract, const Arguments& arguments,
                     Action& answer);
  bool enter_sort(const Site& s, PyObject* list, const Arguments& arguments, Action& answer);
  bool enter_mutator(const Site& s, PyObject* container, std::string_view method, const Arguments& arguments,
                     Action& answer);
  bool append_each(const Site& s, PyObject* container, std::string_view method, const Arguments& arguments,
                   Action& answer);
  bool enter_next(const Site& s, const Arguments& arguments, Action& answer);
  bool enter_gathering(const Site& s, PyObject* function, const Arguments& arguments, Action& answer);
  bool enter_function(PyObject* function, Arguments arguments, Action& answer);
  bool make_iterator(const Site& s, PyObject* callee, PyObject* function, const Arguments& arguments,
                     Action& answer);
  const Begun* begun(const Value& value) const;
  std::optional<Enter> take(const Site& s, const Value& iterator, const Arguments& arguments);
  bool iterates_plainly(const Value& iterable) const;
  bool gains(const Site& s, const Value& function);
  bool gains_generator(const Site& s, const Value& iterable);
  bool may_reach(const Value& given);
  // host_contexts.cc
  static nb::object made_manager_of(const Site& s, PyObject* function, Arguments& arguments);
  bool make_manager(const Site& s, PyObject* function, const Arguments& given, Action& answer);
  static bool step_manager(const Site& s, Action& answer);
  // host_cache.cc
  bool enter_cached(const Site& s, PyObject* cache, const Arguments& arguments, Action& answer);
  // host_texts.cc
  bool enter_method(const Site& s, PyObject* method, const char* prelude, std::vector<Value> arguments,
                    Action& answer);
  bool enter_builtin(const Site& s, PyObject* callee, const Arguments& arguments, Action& answer);
  bool enter_print(const Site& s, const Arguments& arguments, Action& answer);
  bool enter_format(const Site& s, Action& answer);
  bool enter_truth(const Site& s, const Value& object, bool negated, Action& answer);
  bool enter_contains(const Site& s, bool negated, Action& answer);
  // host_operations.cc
  static PyTypeObject* class_with_operators(const Value& value, View& view);
  static bool holds_operators(const Value& value, View& view);
  bool enter_operators(const Site& s, Action& answer);
  bool enter_operator(const Site& s, const Operation& op, std::vector<Value> sides, Action& answer);
  bool enter_operator_function(const Site& s, PyObject* callee, const Arguments& arguments, Action& answer);
  // host_methods.cc
  bool gives_atom(std::string_view name) const;
  Action pending_method(const Site& s, std::string_view name);
  Action builtin_method(const Site& s, PyObject* receiver, PyObject* name, Arguments arguments);
  Action get_key(const Site& s, PyObject* dict, const Arguments& arguments);
  Action mutate(const Site& s, PyObject* container, std::string_view name, const Arguments& arguments);
  // host_enter.cc
  Action enter(const Site& s, PyObject* function, Arguments arguments);
  static bool find_member(const Site& s, PyObject* enumeration, const Arguments& arguments, Action& answer);
  Action construct(const Site& s, PyTypeObject* type, Arguments arguments);
  bool make_named_tuple(PyTypeObject* type, Arguments arguments, Action& answer);
  static bool may_change_code(PyObject* function, View& view);
  bool is_closed_over(PyObject* function, const Arguments& arguments);
  Action call_misfit(PyObject* function, const Arguments& arguments);
  bool bind(PyObject* function, const HostProgram& program, Arguments& arguments, std::vector<Value>& slots);
  bool enter_operator(const Site& s, PyObject* object, const char* name, Action& answer);

  // What a coroutine of an independent callable was made of.
  struct MadeCoroutine {
    nb::object coroutine;  // a weak reference
    nb::object callee;
    Contract contract;
    Arguments arguments;
  };

  bool identifies_ = false;
  std::shared_ptr<Ledger> ledger_;  // null: there is none
  Observations observed_;
  Placeholders placeholders_;
  Iterators iterators_;
  struct Walked {
    nb::object object;
    std::uint64_t walk;  // that had it last
  };
  std::unordered_map<PyObject*, Walked> walked_;  // by class: an instance that only walks have
  Draws draws_;
  Contracts& contracts_;
  std::unordered_map<PyObject*, Begun> generators_;
  std::unordered_map<PyObject*, MadeCoroutine> coroutines_;
  // What functools.lru_cache makes, kept alive, and what it holds (xcs._caches.Cached).
  std::unordered_map<PyObject*, std::pair<nb::object, nb::object>> caches_;
  nb::object surveyed_;       // an iterator whose items peek_items() found to be constants
  Value handled_;             // what set_handled set
  nb::object outer_handled_;  // what was handled when the run began
  Py_ssize_t threads_;        // of the program, when the run began; -1 once the function has started some
};

}  // namespace xcs::python
