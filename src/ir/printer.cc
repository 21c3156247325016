#include "ir/printer.h"

#include <fmt/format.h>

#include <span>
#include <utility>

#include "ir/numbering.h"
#include "ir/ops.h"
#include "ir/spelling.h"

namespace xcs::ir {
namespace {

class Printer {
 public:
  explicit Printer(const Program& program)
      : p_(program),
        slot_texts_(slot_texts(program.slots)),
        names_(program.names),
        constants_(program.constants),
        reasons_(program.reasons),
        fragments_(program.fragments.size()),
        calls_(program.calls.size()),
        unpacks_(program.unpacks.size()),
        ifs_(program.ifs.size()),
        loops_(program.loops.size()),
        tries_(program.tries.size()),
        regions_(program.regions.size()),
        printed_(program.regions.size()) {}

  std::string text() {
    if (p_.body < p_.regions.size()) {
      line("body " + open(p_.body));
      inside(p_.body);
      line("}");
    }
    for (Index i = 0; i < p_.statements.size(); ++i) statement(i);
    for (Index i = 0; i < p_.functions.size(); ++i) function(i);
    unused();
    return header() + out_;
  }

 private:
  // Parts of lines.
  std::string slot(SlotId id) const { return id < slot_texts_.size() ? slot_texts_[id] : "%?"; }
  std::string slots(std::span<const SlotId> ids) const;
  std::string named_slots(std::span<const std::string> names, std::span<const SlotId> ids) const;
  std::string name(Index i) { return i < p_.names.size() ? spelt(p_.names[i]) + names_.mark(i) : "?"; }
  std::string constant(Index i);
  std::string reason(Index i) {
    return i < p_.reasons.size() ? quoted(p_.reasons[i]) + reasons_.mark(i) : "?";
  }
  std::string payload(const Node& node);
  std::string fragment(const Node& node);
  static std::string fragment_head(const Fragment& f);
  std::string callee(const Node& node);
  std::string call(const Node& node);
  std::string argument(const Arg& arg, std::string_view value);
  std::string unpack(const Node& node);
  std::string unpack_dests(const Unpack& unpack) const;

  // Lines.
  void line(std::string_view text) {
    fmt::format_to(std::back_inserter(out_), "{:{}}{}\n", "", indent_, text);
  }
  void node(const Node& node);
  void branch(const Node& node);
  void loop(const Node& node);
  void attempt(const Node& node);
  std::string open(RegionId id);
  void inside(RegionId id);
  // Continues a control node: prints "} words {" and what is in the region, unless there is none.
  void next_part(std::string_view words, RegionId id);
  void statement(Index index);
  void function(Index index);
  void unused();

  std::string header();
  std::string signature() const;
  std::string free_variables() const;
  std::string other_slots() const;
  std::string declarations() const;

  const Program& p_;
  std::string out_;
  int indent_ = 0;
  std::vector<std::string> slot_texts_;
  Interned<std::string> names_;
  Interned<Index> constants_;
  Interned<std::string> reasons_;
  Numbering fragments_, calls_, unpacks_, ifs_, loops_, tries_, regions_;
  std::vector<char> printed_;  // by region
};

std::string number(Index n) { return n == kNone ? "none" : fmt::format("{}", n); }

std::string at(const Position& p) {
  if (p == Position{}) return "";
  if (p.line == p.end_line) return fmt::format("  @{}:{}-{}", p.line, p.column, p.end_column);
  return fmt::format("  @{}:{}-{}:{}", p.line, p.column, p.end_line, p.end_column);
}

// The name is left out where the slot has it.
std::string renamed(const std::string& name, const std::string& slot) {
  return slot == "%" + name ? slot : fmt::format("{}={}", name, slot);
}

std::string with_space(const std::string& text) { return text.empty() ? text : " " + text; }

std::string whole(Index statement) { return statement == kNone ? "" : fmt::format("  whole {}", statement); }

std::string Printer::slots(std::span<const SlotId> ids) const {
  std::string out;
  for (const SlotId id : ids) out += (out.empty() ? "" : ", ") + slot(id);
  return out;
}

// "%a, name=%b": the name is left out where the slot has it.
std::string Printer::named_slots(std::span<const std::string> names, std::span<const SlotId> ids) const {
  std::string out;
  for (std::size_t i = 0; i < ids.size(); ++i) {
    if (i != 0) out += ", ";
    const std::string value = slot(ids[i]);
    const std::string given = i < names.size() ? spelt(names[i]) : "?";
    out += renamed(given, value);
  }
  return out;
}

std::string Printer::constant(Index i) {
  if (i >= p_.constants.size()) return "?";
  return number(p_.constants[i]) + constants_.mark(i);
}

std::string Printer::fragment_head(const Fragment& f) {
  std::string out = fmt::format(" {} {}", ir::name(f.kind), quoted(f.text));
  if (f.syntax != kNone) out += fmt::format(" syntax {}", f.syntax);
  if (!f.keys.empty()) out += fmt::format(" keys {}", fmt::join(f.keys, ", "));
  return out;
}

// `eval operator "a + b" syntax 7 (a:8=%a, b:9=%b)` where the fragment is new, `eval#3 (%a, %b)` afterwards.
std::string Printer::fragment(const Node& node) {
  if (node.index >= p_.fragments.size()) return " ? (" + slots(node.args) + ")";
  const Fragment& f = p_.fragments[node.index];
  const bool again = fragments_.seen(node.index);
  std::string out = fragments_.mark(node.index);
  if (!again) out += fragment_head(f);
  out += " (";
  for (std::size_t i = 0; i < node.args.size(); ++i) {
    if (i != 0) out += ", ";
    const std::string value = slot(node.args[i]);
    const std::string operand = i < f.operands.size() ? spelt(f.operands[i]) : "?";
    if (again) {
      out += value;
    } else if (i < f.holes.size()) {
      out += fmt::format("{}:{}={}", operand, number(f.holes[i]), value);
    } else {
      out += renamed(operand, value);
    }
  }
  return out + ")";
}

std::string Printer::argument(const Arg& arg, std::string_view value) {
  switch (arg.kind) {
    case ArgKind::kPositional:
      return std::string(value);
    case ArgKind::kStar:
      return fmt::format("*{}", value);
    case ArgKind::kDoubleStar:
      return fmt::format("**{}", value);
    case ArgKind::kKeyword:
      return fmt::format("{}={}", name(arg.name), value);
  }
  return "?";
}

std::string Printer::callee(const Node& node) {
  std::string function = node.args.empty() ? "?" : slot(node.args[0]);
  if (node.op == Op::kCall) return function;
  return function + "." + name(p_.calls[node.index].method);
}

std::string Printer::call(const Node& node) {
  if (node.index >= p_.calls.size()) return " ? " + slots(node.args);
  std::string out = calls_.mark(node.index) + " " + callee(node) + "(";
  const CallShape& shape = p_.calls[node.index];
  for (std::size_t i = 0; i < shape.args.size(); ++i) {
    if (i != 0) out += ", ";
    out += argument(shape.args[i], i + 1 < node.args.size() ? slot(node.args[i + 1]) : "?");
  }
  return out + (shape.awaited ? ") await" : ")");
}

std::string Printer::unpack_dests(const Unpack& unpack) const {
  std::string out;
  for (std::size_t i = 0; i < unpack.dests.size(); ++i) {
    if (i != 0) out += ", ";
    if (i == unpack.star) out += "*";
    out += slot(unpack.dests[i]);
  }
  return out;
}

std::string Printer::unpack(const Node& node) {
  if (node.index >= p_.unpacks.size()) return " ?";
  return unpacks_.mark(node.index) + " " + slots(node.args) + " to " + unpack_dests(p_.unpacks[node.index]);
}

// What stands after the word of an op that holds no region.
std::string Printer::payload(const Node& node) {
  switch (info(node.op).payload) {
    case Payload::kConstant:
      return " " + constant(node.index);
    case Payload::kFragment:
      return fragment(node);
    case Payload::kFunction:
      return fmt::format(" {} ({})", number(node.index), slots(node.args));
    case Payload::kName:
      return " " + name(node.index) + with_space(slots(node.args));
    case Payload::kCallShape:
    case Payload::kMethodShape:
      return call(node);
    case Payload::kUnpack:
      return unpack(node);
    case Payload::kStatement:
      return " " + number(node.index);
    case Payload::kNegation:
      if (node.index == 1) return "#not" + with_space(slots(node.args));
      return (node.index == kNone ? "" : fmt::format("#{}", node.index)) + with_space(slots(node.args));
    default:
      return with_space(slots(node.args));
  }
}

void Printer::node(const Node& node) {
  if (node.op == Op::kIf) {
    branch(node);
    return;
  }
  if (node.op == Op::kLoop) {
    loop(node);
    return;
  }
  if (node.op == Op::kTry) {
    attempt(node);
    return;
  }
  const std::string dest = node.dest == kNone ? "" : slot(node.dest) + " = ";
  line(fmt::format("{}{}{}{}", dest, info(node.op).word, payload(node), at(node.position)));
}

std::string Printer::open(RegionId id) { return "{" + (id < p_.regions.size() ? regions_.mark(id) : "?"); }

void Printer::inside(RegionId id) {
  if (id >= p_.regions.size()) return;
  indent_ += 2;
  // A region used twice may be inside itself.
  if (printed_[id] != 0) line("?");
  if (std::exchange(printed_[id], 1) == 0)
    for (const Node& n : p_.regions[id].nodes) node(n);
  indent_ -= 2;
}

void Printer::next_part(std::string_view words, RegionId id) {
  if (id == kNone) return;
  line(fmt::format("}} {} {}", words, open(id)));
  inside(id);
}

void Printer::branch(const Node& node) {
  if (node.index >= p_.ifs.size()) {
    line("if ? " + slots(node.args));
    return;
  }
  const If& branch = p_.ifs[node.index];
  const std::string start = fmt::format("if{} {}{}{}", ifs_.mark(node.index), slots(node.args),
                                        whole(branch.whole), at(node.position));
  if (branch.then_region == kNone) {
    line(start + "  skip {");
  } else {
    line(start + "  " + open(branch.then_region));
    inside(branch.then_region);
  }
  next_part("else", branch.else_region);
  line("}");
}

void Printer::loop(const Node& node) {
  if (node.index >= p_.loops.size()) {
    line("for ? " + slots(node.args));
    return;
  }
  const Loop& loop = p_.loops[node.index];
  const std::string mark = loops_.mark(node.index);
  const std::string details = whole(loop.whole) + at(node.position) + "  ";
  if (loop.head == kNone) {
    line(
        fmt::format("for{} {} in {}{}{}", mark, slot(loop.item), slots(node.args), details, open(loop.body)));
    inside(loop.body);
  } else {
    line(fmt::format("while{}{}{}", mark, details, open(loop.head)));
    inside(loop.head);
    next_part("do " + slot(loop.condition), loop.body);
  }
  next_part("else", loop.orelse);
  line("}");
}

void Printer::attempt(const Node& node) {
  if (node.index >= p_.tries.size()) {
    line("try ?");
    return;
  }
  const Try& attempt = p_.tries[node.index];
  const std::string exception = attempt.exception == kNone ? "" : " " + slot(attempt.exception);
  line(fmt::format("try{}{}{}{}  {}", tries_.mark(node.index), exception, whole(attempt.whole),
                   at(node.position), open(attempt.body)));
  inside(attempt.body);
  for (const Handler& h : attempt.handlers) {
    next_part("test", h.test);
    next_part(h.test == kNone ? "except" : "except " + slot(h.caught), h.body);
  }
  next_part("else", attempt.orelse);
  next_part(attempt.final_on_exception ? "finally" : "finally unless raised", attempt.final_region);
  line("}");
}

void Printer::statement(Index index) {
  const Statement& s = p_.statements[index];
  line(fmt::format("statement {} syntax {}{}", index, number(s.syntax),
                   s.reason == kNone ? "" : " reason " + reason(s.reason)));
  if (!s.inputs.empty()) line("  in " + named_slots(s.input_names, s.inputs));
  if (!s.outputs.empty()) line("  out " + named_slots(s.output_names, s.outputs));
  if (!s.cells.empty()) line("  cells " + named_slots(s.cell_names, s.cells));
}

std::string words(std::span<const std::string> all) {
  std::string out;
  for (const std::string& w : all) out += (out.empty() ? "" : ", ") + spelt(w);
  return out;
}

void Printer::function(Index index) {
  const FunctionTemplate& f = p_.functions[index];
  line(fmt::format("function {} {} syntax {}", index, quoted(f.name), number(f.syntax)));
  if (f.qualname != f.name) line("  qualname " + quoted(f.qualname));
  if (f.defaults != 0) line(fmt::format("  defaults {}", f.defaults));
  if (f.keyword_defaults != 0) line(fmt::format("  keyword_defaults {}", f.keyword_defaults));
  if (!f.keyword_names.empty()) line("  keywords " + words(f.keyword_names));
  if (!f.cells.empty()) line("  cells " + words(f.cells));
}

// Entries that no node refers to.
void Printer::unused() {
  for (Index i = 0; i < p_.fragments.size(); ++i) {
    if (fragments_.seen(i)) continue;
    const Fragment& f = p_.fragments[i];
    std::string operands;
    for (std::size_t k = 0; k < f.operands.size(); ++k) {
      operands += (k == 0 ? "" : ", ") + spelt(f.operands[k]);
      if (k < f.holes.size()) operands += ":" + number(f.holes[k]);
    }
    line(fmt::format("unused eval#{}{} ({})", i, fragment_head(f), operands));
    fragments_.mark(i);
  }
  for (Index i = 0; i < p_.calls.size(); ++i) {
    if (calls_.seen(i)) continue;
    const CallShape& shape = p_.calls[i];
    std::string args;
    for (const Arg& a : shape.args) args += (args.empty() ? "" : ", ") + argument(a, "_");
    line(fmt::format("unused call#{} {}({}){}", i, shape.method == kNone ? "" : "." + name(shape.method),
                     args, shape.awaited ? " await" : ""));
  }
  for (Index i = 0; i < p_.unpacks.size(); ++i)
    if (!unpacks_.seen(i)) line(fmt::format("unused unpack#{} {}", i, unpack_dests(p_.unpacks[i])));
}

// "(%a, /, %b, *%rest, %key, **%more)"
std::string Printer::signature() const {
  std::string out;
  const auto add = [&out](std::string_view part) {
    fmt::format_to(std::back_inserter(out), "{}{}", out.empty() ? "" : ", ", part);
  };
  const Parameters& p = p_.parameters;
  SlotId next = 0;
  for (Index i = 0; i < p.positional; ++i) {
    add(slot(next++));
    if (i + 1 == p.positional_only) add("/");
  }
  const SlotId star = p.positional + p.keyword_only;
  if (p.star)
    add("*" + slot(star));
  else if (p.keyword_only != 0)
    add("*");
  for (Index i = 0; i < p.keyword_only; ++i) add(slot(next++));
  if (p.double_star) add("**" + slot(star + (p.star ? 1 : 0)));
  return "(" + out + ")";
}

std::string Printer::free_variables() const {
  std::string out;
  for (SlotId i = 0; i < p_.free_names.size(); ++i) {
    const std::string value = slot(p_.parameters.count() + i);
    const std::string given = spelt(p_.free_names[i]);
    out.append(i == 0 ? "  free " : ", ").append(renamed(given, value));
  }
  return out.empty() ? out : out + "\n";
}

// "%a, %3 to %9, %b": every slot after the parameters and the free variables.
std::string Printer::other_slots() const {
  std::string out;
  const std::size_t first = p_.parameters.count() + p_.free_names.size();
  for (std::size_t i = first; i < p_.slots.size(); ++i) {
    out += (out.empty() ? "  slots " : ", ") + slot_texts_[i];
    std::size_t last = i;
    while (p_.slots[i].empty() && last + 1 < p_.slots.size() && p_.slots[last + 1].empty()) ++last;
    if (last > i) out += " to " + slot_texts_[last];
    i = last;
  }
  return out.empty() ? out : out + "\n";
}

std::string Printer::declarations() const {
  std::string out;
  if (names_.must_declare()) out += "  names " + words(p_.names) + "\n";
  if (constants_.must_declare()) {
    out += "  constants";
    for (Index i = 0; i < p_.constants.size(); ++i) out += (i == 0 ? " " : ", ") + number(p_.constants[i]);
    out += "\n";
  }
  if (reasons_.must_declare()) out += "  reasons " + words(p_.reasons) + "\n";
  return out;
}

std::string Printer::header() {
  std::string out = "program " + quoted(p_.name) + " " + signature() + at(p_.position) + "\n";
  if (p_.qualname != p_.name) out += "  qualname " + quoted(p_.qualname) + "\n";
  if (!p_.file.empty()) out += "  file " + quoted(p_.file) + "\n";
  if (p_.generator) out += "  generator\n";
  if (p_.delegates) out += "  delegates\n";
  if (p_.coroutine) out += "  coroutine\n";
  if (!p_.refusal.empty()) out += "  refusal " + quoted(p_.refusal) + "\n";
  return out + free_variables() + other_slots() + declarations();
}

}  // namespace

std::string print(const Program& program) { return Printer(program).text(); }

}  // namespace xcs::ir
