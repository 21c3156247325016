#include <algorithm>
#include <array>

#include "lower/lowering.h"

namespace xcs::lower {
namespace {

// Hole i's name in the compiled fragment; no user's variable can have it.
std::string hole_name(std::size_t i) { return "." + std::to_string(i); }

}  // namespace

Part Lowering::part_of(Index e) const {
  switch (syntax_.kind(e)) {
    case Kind::kBinOp:
    case Kind::kUnaryOp:
    case Kind::kBoolOp:
    case Kind::kIfExp:
      return Part::kOperator;
    case Kind::kCompare: {
      const auto parts = syntax_.list(e, 2);
      const Operator op = syntax_[parts.front()].op;
      const bool identity = parts.size() == 1 && (op == Operator::kIs || op == Operator::kIsNot);
      return identity ? Part::kIdentity : Part::kOperator;
    }
    case Kind::kListDisplay:
    case Kind::kTuple:
    case Kind::kSet:
    case Kind::kDict: {
      const auto unpacks = [&](Index element) {
        return syntax_.kind(element) == Kind::kStarred || syntax_.kind(element) == Kind::kDictUnpack;
      };
      return std::ranges::any_of(syntax_.list(e, 0), unpacks) ? Part::kUnpacking : Part::kDisplay;
    }
    case Kind::kSlice:
    case Kind::kDictItem:
      return Part::kDisplay;
    case Kind::kStarred:
    case Kind::kDictUnpack:
    case Kind::kKeyword:
      return Part::kUnpacking;
    case Kind::kJoinedStr:
    case Kind::kFormattedValue:
      return Part::kFormat;
    default:
      return Part::kNone;
  }
}

// Whether making the display, or one inside it, hashes anything but constants.
bool Lowering::hashes(Index display) const {
  const Kind kind = syntax_.kind(display);
  if (kind == Kind::kDictItem && !is_constant(syntax_.child(display, 0))) return true;
  if (kind == Kind::kSet)
    return !std::ranges::all_of(syntax_.list(display, 0),
                                [&](Index element) { return is_constant(element); });
  if (kind == Kind::kDictItem) return hashes(syntax_.child(display, 1));
  if (kind != Kind::kDict && kind != Kind::kListDisplay && kind != Kind::kTuple) return false;
  return std::ranges::any_of(syntax_.list(display, 0), [&](Index element) { return hashes(element); });
}

// Whether `e` may be evaluated together with the `outer` part around it.
bool Lowering::fits(Part outer, Index e) const {
  const Part inner = part_of(e);
  const Kind kind = syntax_.kind(e);
  const bool branches = kind == Kind::kBoolOp || kind == Kind::kIfExp || kind == Kind::kCompare;
  if (branches && (kind != Kind::kCompare || syntax_.list(e, 2).size() > 1) && has_nodes(e)) return false;
  if (kind == Kind::kCompare) {
    const Operator op = syntax_[syntax_.list(e, 2).front()].op;
    if (op == Operator::kIn || op == Operator::kNotIn) return false;
  }
  const bool plain_display = inner == Part::kDisplay && !hashes(e);
  switch (outer) {
    case Part::kOperator:
      return inner == Part::kOperator || inner == Part::kIdentity || plain_display;
    case Part::kIdentity:
      return plain_display;
    case Part::kDisplay:
    case Part::kUnpacking:
      return inner == Part::kDisplay || kind == Kind::kStarred || kind == Kind::kDictUnpack;
    case Part::kFormat:
      return inner == Part::kOperator || inner == Part::kIdentity || inner == Part::kFormat || plain_display;
    case Part::kNone:
      return false;
  }
  return false;
}

// Whether gathering `e` into a fragment of the part `outer` emits nodes: they run before the fragment does.
bool Lowering::emits(Part outer, Index e) const {
  if (e == kNone || is_constant(e)) return false;
  if (syntax_.kind(e) == Kind::kName) return !certain(variable(syntax_[e].name));
  if (syntax_.kind(e) == Kind::kList) return any_emits(outer, syntax_.children_of(e));
  return !fits(outer, e) || any_emits(outer, syntax_.children_of(e));
}

bool Lowering::any_emits(Part outer, std::span<const Index> es) const {
  return std::ranges::any_of(es, [&](Index e) { return emits(outer, e); });
}

SlotId Lowering::fragment(Index e, SlotId dest, Index as) {
  Gathering gathering;
  gathering.part = part_of(e);
  gather_children(gathering, e, false);
  return emit_fragment(gathering, e, as == kNone ? e : as, dest);
}

// Adds what the fragment needs to evaluate `e`, emitting the nodes inside it.
void Lowering::gather(Gathering& to, Index e, bool later) {
  if (e == kNone || is_constant(e)) return;
  const SyntaxNode& n = syntax_[e];
  if (n.kind == Kind::kName) {
    const Variable v = variable(n.name);
    const bool late = v.place == Variable::kLocal && (!later || (certain(v) && !holds(walrus_, n.name)));
    late ? add_name(to, n.name, v.slot) : add_hole(to, e, operand(e, later));
  } else if (fits(to.part, e) && !(later && effects(e))) {
    gather_children(to, e, later);
  } else {
    add_hole(to, e, operand(e, later));
  }
}

void Lowering::gather_in_order(Gathering& to, std::span<const Index> es, bool later) {
  for (std::size_t i = 0; i < es.size(); ++i)
    gather(to, es[i], later || any_emits(to.part, es.subspan(i + 1)));
}

void Lowering::gather_elements(Gathering& to, Index display, bool later) {
  const bool is_set = syntax_.kind(display) == Kind::kSet;
  const auto elements = syntax_.list(display, 0);
  for (std::size_t i = 0; i < elements.size(); ++i) {
    const bool after = later || any_emits(to.part, elements.subspan(i + 1));
    if (syntax_.kind(elements[i]) != Kind::kDictItem) {
      const bool before = std::exchange(to.hashing, to.hashing || is_set);
      gather(to, elements[i], after);
      to.hashing = before;
      continue;
    }
    const auto [key, value] = syntax_.fields<2>(elements[i]);
    const bool before = std::exchange(to.hashing, true);
    gather(to, key, after || emits(to.part, value));
    to.hashing = before;
    gather(to, value, after);
  }
}

void Lowering::gather_children(Gathering& to, Index e, bool later) {
  switch (syntax_.kind(e)) {
    case Kind::kListDisplay:
    case Kind::kTuple:
    case Kind::kSet:
    case Kind::kDict:
      return gather_elements(to, e, later);
    case Kind::kBoolOp:
    case Kind::kJoinedStr:
      return gather_in_order(to, syntax_.list(e, 0), later);
    case Kind::kCompare: {
      std::vector<Index> all = {syntax_.child(e, 0)};
      std::ranges::copy(syntax_.list(e, 1), std::back_inserter(all));
      return gather_in_order(to, all, later);
    }
    default:
      return gather_in_order(to, syntax_.children_of(e), later);
  }
}

void Lowering::add_hole(Gathering& to, Index e, SlotId slot) {
  to.holes.push_back(e);
  to.hole_slots.push_back(slot);
  if (to.hashing) to.hashed.push_back(slot);
}

void Lowering::add_name(Gathering& to, NameId name, SlotId slot) {
  if (!holds(to.names, name)) {
    to.names.push_back(name);
    to.name_slots.push_back(slot);
  }
  if (to.hashing) to.hashed.push_back(slot);
}

SlotId Lowering::emit_fragment(Gathering& from, Index e, Index as, SlotId dest) {
  ir::Fragment made;
  made.syntax = as;
  made.text = text(e, from.holes);
  for (std::size_t i = 0; i < from.holes.size(); ++i) made.operands.push_back(hole_name(i));
  for (NameId name : from.names) made.operands.push_back(syntax_.names[name]);
  made.holes = std::move(from.holes);
  made.holes.resize(made.operands.size(), kNone);  // variables are operands by their own name
  std::vector<SlotId> args = std::move(from.hole_slots);
  args.insert(args.end(), from.name_slots.begin(), from.name_slots.end());
  for (std::size_t i = 0; i < args.size(); ++i)
    if (std::ranges::find(from.hashed, args[i]) != from.hashed.end())
      made.keys.push_back(static_cast<Index>(i));
  constexpr std::array kKinds = {ir::FragmentKind::kOperator,  ir::FragmentKind::kOperator,
                                 ir::FragmentKind::kIdentity,  ir::FragmentKind::kDisplay,
                                 ir::FragmentKind::kUnpacking, ir::FragmentKind::kFormat};
  made.kind = kKinds[static_cast<std::size_t>(from.part)];
  if (from.part == Part::kDisplay && !made.keys.empty()) made.kind = ir::FragmentKind::kHashing;
  if (dest == kNone) dest = temp();
  emit(Op::kEval, e, dest, add_fragment(std::move(made)), std::move(args));
  return dest;
}

Index Lowering::pair_fragment(Index e, Index left, Index right, ir::FragmentKind kind) {
  ir::Fragment made;
  made.kind = kind;
  made.syntax = e;
  made.holes = {left, right};
  made.operands = {hole_name(0), hole_name(1)};
  made.text = text(e, {});
  return add_fragment(std::move(made));
}

Index Lowering::add_fragment(ir::Fragment fragment) {
  program_.fragments.push_back(std::move(fragment));
  return static_cast<Index>(program_.fragments.size() - 1);
}

// The user's text of `e`, each hole replaced by its name, on one line.
std::string Lowering::text(Index e, std::span<const Index> holes) const {
  const std::string_view whole = syntax_.text(e);
  if (whole.empty()) return {};
  const Position& p = syntax_[e].position;
  std::size_t at = syntax_.offset(p.line, p.column);
  const std::size_t end = at + whole.size();
  std::string result;
  auto copy_until = [&](std::size_t to) {
    for (; at < to; ++at) {
      const char c = syntax_.source[at];
      const bool space = c == ' ' || c == '\n' || c == '\t';
      if (!space)
        result += c;
      else if (!result.empty() && result.back() != ' ')
        result += ' ';
    }
  };
  for (std::size_t i = 0; i < holes.size(); ++i) {
    const Position& h = syntax_[holes[i]].position;
    const std::size_t from = syntax_.offset(h.line, h.column);
    const std::size_t to = syntax_.offset(h.end_line, h.end_column);
    if (from < at || to > end || from > to)
      continue;  // pieces of an f-string have no place before Python 3.12
    copy_until(from);
    result += hole_name(i);
    at = to;
  }
  copy_until(end);
  return result;
}

}  // namespace xcs::lower
