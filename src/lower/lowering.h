// The state of one lowering, shared by the files that lower expressions, statements and definitions.
//
// Note [order]: Python evaluates operands from left to right and each operator after its operands. Here every
// node is emitted in that order. Two things may happen later than in Python, because nothing can tell the
// difference:
// - A local variable that is certainly bound is read when the node that uses it runs, unless the same
// expression
//   assigns it in between.
// - Operators are gathered into one fragment, evaluated after all its operands; but an operator that Python
//   completes before a later operand with effects is evaluated on its own, before that operand.
// `effects(e)` is the one judge of what has effects; `later` says that something with effects is evaluated
// after an operand and before its use.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "ir/ir.h"
#include "lower/lower.h"
#include "lower/scope.h"
#include "lower/syntax.h"

namespace xcs::lower {

using ir::Op;
using ir::RegionId;
using ir::SlotId;

// Thrown inside lowering when the function has to run whole; lower() turns it into Program::refusal.
struct Refused {
  std::string_view code;
};

struct Variable {
  enum Place : std::uint8_t { kLocal, kCell, kGlobal };
  Place place = kGlobal;
  SlotId slot = ir::kNone;  // of the value, or of the cell
};

// How parts of a fragment look at their operands, which decides what may be evaluated together.
enum class Part : std::uint8_t { kNone, kOperator, kIdentity, kDisplay, kUnpacking, kFormat };

// A fragment while its operands are gathered.
struct Gathering {
  Part part = Part::kOperator;
  std::vector<Index> holes;
  std::vector<SlotId> hole_slots;
  std::vector<NameId> names;
  std::vector<SlotId> name_slots;
  std::vector<SlotId> hashed;
  bool hashing = false;  // what is gathered now is hashed
};

// A region that control may or may not pass.
struct Branch {
  RegionId region = ir::kNone;
  std::vector<bool> bound;  // what is certainly bound at its end
  bool ended = false;       // control does not reach its end
};

class Lowering {
 public:
  Lowering(const Syntax& syntax, Index function, const Origin& origin);
  ir::Program run();

 private:
  // --- Regions and nodes (lowering.cc)
  ir::Node& emit(Op op, Index at, SlotId dest, Index index, std::vector<SlotId> args);
  SlotId emit_temp(Op op, Index at, Index index, std::vector<SlotId> args);
  // Lowers by `fill` into a region of its own.
  template <class Fill>
  RegionId region(Fill&& fill) {
    const RegionId before = std::exchange(region_, static_cast<RegionId>(program_.regions.size()));
    const bool ended = std::exchange(ended_, false);
    const RegionId made = region_;
    program_.regions.emplace_back();
    fill();
    region_ = before;
    ended_ = ended;
    return made;
  }
  // As region(), leaving what is bound here as it was.
  template <class Fill>
  Branch branch(Fill&& fill) {
    Branch made;
    made.bound = bound_;
    made.region = region([&] {
      fill();
      made.ended = ended_;
    });
    std::swap(made.bound, bound_);
    return made;
  }
  Branch absent() const { return {kNone, bound_, false}; }
  void join(const Branch& first, const Branch& second);
  void join(std::vector<bool> first, const std::vector<bool>& second);
  void exit(Op op, Index at, std::vector<SlotId> args);
  SlotId temp();
  SlotId none(Index at);
  SlotId named_slot(std::string name);
  Index name_index(std::string_view name);
  Index name_index(NameId name) { return name_index(syntax_.names[name]); }

  // --- Variables (variables.cc)
  void declare_variables();
  Variable variable(NameId name) const;
  bool certain(const Variable& variable) const;  // a local that is bound here
  SlotId load(NameId name, Index at, SlotId dest);
  void store(NameId name, Index at, SlotId value);
  void unbind(NameId name, Index at);
  void mark_bound(SlotId slot);
  void collect_walrus(Index node);

  // --- Expressions (expressions.cc). `dest`: the slot the value goes to, or kNone for any.
  SlotId value(Index e, SlotId dest = ir::kNone);
  SlotId operand(Index e, bool later);
  std::vector<SlotId> operands(std::span<const Index> es, bool later = false);
  SlotId name_value(Index e, SlotId dest);
  SlotId attribute(Index e, SlotId dest);
  SlotId subscript(Index e, SlotId dest);
  SlotId walrus(Index e, SlotId dest);
  SlotId yield(Index e, SlotId dest);
  void delegate(Index e);
  SlotId constant(Index e, SlotId dest);
  bool is_constant(Index e) const;
  bool effects(Index e) const;
  bool any_effects(std::span<const Index> es) const;
  bool has_nodes(Index e) const;

  // --- Calls (calls.cc)
  SlotId call(Index e, SlotId dest, bool awaited = false);
  SlotId argument(Index e, std::size_t i, std::span<const Index> positional, Index value, bool later);
  SlotId super_call(Index e, SlotId dest);
  void refuse_frame_lookers(Index e) const;
  void refuse_starting_tasks(Index callee) const;
  SlotId await(Index e, SlotId dest);

  // --- Conditions (conditions.cc)
  SlotId test(Index e);  // a slot whose truth is e's, computed once
  void test_into(Index e, SlotId dest);
  SlotId boolean(Index e, SlotId dest);
  void boolean_into(std::span<const Index> values, Operator op, SlotId dest, SlotId truth);
  void tests_into(std::span<const Index> values, Operator op, SlotId dest);
  void value_and_truth(Index e, SlotId dest, SlotId truth);
  SlotId conditional(Index e, SlotId dest);
  SlotId comparison(Index e, SlotId dest);
  void chain_into(Index e, Index part, SlotId left, SlotId dest, SlotId truth);
  void compare_part(Index e, Index part, SlotId left, SlotId right, SlotId dest);
  SlotId scratch(SlotId dest);
  SlotId moved(Index at, SlotId from, SlotId dest);
  void if_node(Index at, SlotId condition, const Branch& then, const Branch& otherwise,
               Index whole = ir::kNone);
  // Lowers by `fill` what happens only when the truth of `condition` is `wanted`.
  template <class Fill>
  void when(Index at, SlotId condition, bool wanted, Fill&& fill) {
    const Branch taken = branch(std::forward<Fill>(fill));
    wanted ? if_node(at, condition, taken, absent()) : if_node(at, condition, absent(), taken);
  }

  // --- Fragments (fragments.cc)
  Part part_of(Index e) const;
  bool fits(Part outer, Index e) const;
  bool hashes(Index display) const;
  bool emits(Part outer, Index e) const;
  bool any_emits(Part outer, std::span<const Index> es) const;
  bool branches(Index e) const;
  // Evaluates `e` with what surrounds no node of it; `as` is the part of `e` that is meant, or kNone.
  SlotId fragment(Index e, SlotId dest, Index as = ir::kNone);
  void gather(Gathering& to, Index e, bool later);
  void gather_children(Gathering& to, Index e, bool later);
  void gather_elements(Gathering& to, Index display, bool later);
  void gather_in_order(Gathering& to, std::span<const Index> es, bool later);
  static void add_hole(Gathering& to, Index e, SlotId slot);
  static void add_name(Gathering& to, NameId name, SlotId slot);
  SlotId emit_fragment(Gathering& from, Index e, Index as, SlotId dest);
  // A fragment of two operands that stand for the nodes `left` and `right`.
  Index pair_fragment(Index e, Index left, Index right, ir::FragmentKind kind);
  Index add_fragment(ir::Fragment fragment);
  std::string text(Index e, std::span<const Index> holes) const;

  // --- Comprehensions and nested functions (definitions.cc)
  SlotId comprehension(Index e, SlotId dest);
  void comprehension_loop(Index e, std::size_t generator, SlotId iterator, SlotId result);
  void comprehension_conditions(Index e, std::size_t generator, std::span<const Index> conditions,
                                SlotId result);
  void comprehension_element(Index e, SlotId result);
  SlotId generator_expression(Index e, SlotId dest);
  SlotId iterator(Index iterable, Index at);
  SlotId special(std::string_view name, Index at, std::vector<SlotId> args);
  SlotId asynchronous_iterator(Index iterable);
  RegionId next_asynchronously(Index at, SlotId iterator, SlotId item, SlotId more);
  template <class Fill>
  ir::Loop asynchronous_loop_over(Index target, Index at, SlotId iterator, Fill&& fill);
  // A loop over `iterator` whose items go to `target` before what `fill` lowers.
  template <class Fill>
  ir::Loop loop_over(Index target, Fill&& fill);
  ir::FunctionTemplate function_template(Index e);
  SlotId make_function(Index e, SlotId dest);
  void definition(Index s);
  std::string_view in_order_reason(Index s) const;
  std::vector<Index> annotations(Index arguments, Index returns) const;
  void generator_body();

  // --- Statements (statements.cc, assignments.cc, control.cc)
  void block(std::span<const Index> statements);
  void statement(Index s);
  void expression_statement(Index s);
  void loop_for(Index s);
  void loop_while(Index s);
  void if_statement(Index s);
  void return_statement(Index s);
  void raise_statement(Index s);
  void assert_statement(Index s);
  void assign(Index s);
  void assign_displays(std::span<const Index> targets, std::span<const Index> values);
  void annotated_assign(Index s);
  void augmented_assign(Index s);
  SlotId inplace(Index s, SlotId target, SlotId value, SlotId dest);
  void store_target(Index target, SlotId value);
  void unpack(Index target, SlotId value);
  void delete_target(Index target);
  void try_statement(Index s);
  ir::Handler handler(Index s, SlotId exception, Branch& end);
  void handler_body(Index s, SlotId exception);
  void with_statement(Index s, std::span<const Index> items);
  void match_statement(Index s);
  void match_cases(std::span<const Index> cases, Index subject, SlotId subject_slot);
  SlotId match_pattern(Index one_case, Index subject, SlotId subject_slot);
  void captures(Index pattern, std::vector<NameId>& names) const;
  void bind_captures(Index pattern, std::span<const NameId> names, SlotId matched);
  void pattern_names(Gathering& to, Index node);

  // --- Statements as they stand (whole.cc)
  void ordered(Index s, std::string_view reason);
  // An entry of statements[] that does all of `s`, or kNone when control may leave `s` other than at its end.
  // `given` holds the condition of an `if`, or the iterator of a `for` or comprehension, which is evaluated
  // before; its input is ".0".
  Index given_node(Index s) const;
  Index whole(Index s, SlotId given = ir::kNone);
  bool escapes(Index s, bool in_loop = false) const;
  ir::Position name_position(Index e, Index attribute) const;
  Index add_statement(Index s, Index reason, SlotId given = ir::kNone);

  const Syntax& syntax_;
  Index function_;
  const Origin& origin_;
  Scopes scopes_;
  ir::Program program_;
  RegionId region_ = 0;
  bool ended_ = false;  // the region has an exit, so nothing may follow
  std::vector<SlotId> temps_;
  std::size_t next_temp_ = 0;  // temps_ from here on are free
  std::vector<bool> bound_;    // by slot: certainly bound here
  std::vector<bool> unbindable_;
  std::unordered_map<NameId, Variable> variables_;
  std::vector<std::pair<NameId, Variable>> inner_;  // of the comprehensions around, innermost last
  std::vector<NameId> walrus_;                      // assigned by the expression being lowered
  std::unordered_map<std::string_view, Index> name_indices_;
};

template <class Fill>
ir::Loop Lowering::loop_over(Index target, Fill&& fill) {
  ir::Loop loop;
  const bool is_name = syntax_.kind(target) == Kind::kName;
  const Variable v = is_name ? variable(syntax_[target].name) : Variable{};
  const bool direct = v.place == Variable::kLocal;
  loop.item = direct ? v.slot : temp();
  loop.body = branch([&] {
                if (direct)
                  mark_bound(v.slot);
                else
                  store_target(target, loop.item);
                fill();
              }).region;
  return loop;
}

template <class Fill>
ir::Loop Lowering::asynchronous_loop_over(Index target, Index at, SlotId iterator, Fill&& fill) {
  ir::Loop loop;
  const SlotId item = temp();
  loop.condition = temp();
  loop.head = next_asynchronously(at, iterator, item, loop.condition);
  loop.body = branch([&] {
                store_target(target, item);
                fill();
              }).region;
  return loop;
}

}  // namespace xcs::lower
