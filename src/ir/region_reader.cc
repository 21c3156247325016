#include "ir/region_reader.h"

namespace xcs::ir {
namespace {

constexpr int kMaxDepth = 1000;  // of regions inside each other

}  // namespace

RegionId RegionReader::region() {
  in_.sign("{");
  const RegionId id = r_.regions.claim(in_.mark(), in_);
  in_.end_of_line();
  if (++depth_ > kMaxDepth) in_.fail("regions are nested too deeply");
  Region region;
  while (!in_.at_sign("}") && !in_.done()) node(region);
  --depth_;
  r_.regions.define(id, std::move(region), in_);
  return id;
}

// REQUIRES: "}" is next.
RegionId RegionReader::else_region() {
  in_.sign("}");
  return in_.try_word("else") ? region() : kNone;
}

void RegionReader::node(Region& region) {
  Node node;
  if (r_.at_slot()) {
    node.dest = r_.slot();
    in_.sign("=");
  }
  if (in_.peek().kind != Token::kWord) in_.expected("an operation");
  const Token word = in_.take();
  if (word.text == "if" || word.text == "for" || word.text == "while" || word.text == "try") {
    if (node.dest != kNone) in_.fail(fmt::format("'{}' yields nothing", word.text));
    node = control(word);
  } else {
    const auto op = op_named(word.text);
    if (!op || *op == Op::kLoop)
      throw SyntaxError{syntax_error(word.line, fmt::format("unknown operation '{}'", word.text))};
    node.op = *op;
    payload(node);
    node.position = r_.position();
    check(node);
  }
  in_.end_of_line();
  region.nodes.push_back(std::move(node));
}

void RegionReader::check(const Node& node) const {
  const OpInfo& op = info(node.op);
  if (node.args.size() < op.min_args || node.args.size() > op.max_args)
    in_.fail(fmt::format("'{}' cannot have {} operands", op.word, node.args.size()));
  if (node.dest == kNone && op.dest == Dest::kMust)
    in_.fail(fmt::format("'{}' needs a slot for its result", op.word));
  if (node.dest != kNone && op.dest == Dest::kNever) in_.fail(fmt::format("'{}' yields nothing", op.word));
}

void RegionReader::payload(Node& node) {
  switch (info(node.op).payload) {
    case Payload::kConstant: {
      const Index value = in_.number_or_none();
      const auto mark = in_.mark();
      node.index = r_.constants.find(value, mark, in_);
      return;
    }
    case Payload::kFragment:
      fragment(node);
      return;
    case Payload::kFunction:
      node.index = r_.reference(r_.functions);
      in_.sign("(");
      node.args = r_.slot_list();
      in_.sign(")");
      return;
    case Payload::kName:
      node.index = r_.name();
      node.args = r_.slot_list();
      return;
    case Payload::kCallShape:
    case Payload::kMethodShape:
      call(node);
      return;
    case Payload::kUnpack:
      unpack(node);
      return;
    case Payload::kStatement:
      node.index = r_.reference(r_.statements);
      return;
    case Payload::kNegation:
      negation(node);
      break;
    default:
      break;
  }
  node.args = r_.slot_list();
}

// "#not" or the number that stands there otherwise.
void RegionReader::negation(Node& node) {
  if (!in_.try_sign("#")) return;
  node.index = in_.try_word("not") ? 1 : in_.number();
}

// kind "text" syntax 7 keys 0, 1
Fragment RegionReader::fragment_head() {
  Fragment f;
  const std::string kind = in_.name();
  const auto known = fragment_kind_named(kind);
  if (!known) in_.fail(fmt::format("unknown kind of fragment '{}'", kind));
  f.kind = *known;
  f.text = in_.string();
  if (in_.try_word("syntax")) f.syntax = in_.number();
  if (in_.try_word("keys")) {
    do f.keys.push_back(in_.number());
    while (in_.try_sign(","));
  }
  return f;
}

void RegionReader::fragment(Node& node) {
  const auto mark = in_.mark();
  node.index = r_.fragments.claim(mark, in_);
  const bool again = in_.at_sign("(");
  if (again && !r_.fragments.defined(node.index)) in_.expected("the kind and text of the fragment");
  Fragment f;
  if (!again) f = fragment_head();
  in_.sign("(");
  while (!in_.at_sign(")")) {
    if (!again && r_.at_slot()) {
      f.operands.push_back(r_.own_name(in_.peek()));
    } else if (!again) {
      f.operands.push_back(in_.name());
      if (in_.try_sign(":")) f.holes.push_back(in_.number_or_none());
      in_.sign("=");
    }
    node.args.push_back(r_.slot());
    if (!in_.try_sign(",")) break;
  }
  in_.sign(")");
  if (!again) r_.fragments.define(node.index, std::move(f), in_);
}

Arg RegionReader::argument() {
  Arg arg;
  if (in_.try_sign("*")) {
    arg.kind = in_.try_sign("*") ? ArgKind::kDoubleStar : ArgKind::kStar;
  } else if (!r_.at_slot() && !in_.at_word("_")) {
    arg.kind = ArgKind::kKeyword;
    arg.name = r_.name();
    in_.sign("=");
  }
  return arg;
}

void RegionReader::call(Node& node) {
  node.index = r_.calls.claim(in_.mark(), in_);
  node.args.push_back(r_.slot());
  CallShape shape;
  if (node.op == Op::kCallMethod) {
    in_.sign(".");
    shape.method = r_.name();
  }
  in_.sign("(");
  while (!in_.at_sign(")")) {
    shape.args.push_back(argument());
    node.args.push_back(r_.slot());
    if (!in_.try_sign(",")) break;
  }
  in_.sign(")");
  shape.awaited = in_.try_word("await");
  r_.calls.repeat(node.index, std::move(shape), in_);
}

Unpack RegionReader::unpack_dests() {
  Unpack u;
  do {
    if (in_.try_sign("*")) u.star = static_cast<Index>(u.dests.size());
    u.dests.push_back(r_.slot());
  } while (in_.try_sign(","));
  return u;
}

void RegionReader::unpack(Node& node) {
  node.index = r_.unpacks.claim(in_.mark(), in_);
  node.args.push_back(r_.slot());
  in_.word("to");
  r_.unpacks.repeat(node.index, unpack_dests(), in_);
}

Node RegionReader::control(const Token& word) {
  if (word.text == "if") return branch();
  if (word.text == "for") return for_loop();
  if (word.text == "while") return while_loop();
  return attempt();
}

Node RegionReader::branch() {
  Node node{.op = Op::kIf};
  node.index = r_.ifs.claim(in_.mark(), in_);
  node.args.push_back(r_.slot());
  If branch;
  branch.whole = whole();
  node.position = r_.position();
  if (in_.try_word("skip")) {
    in_.sign("{");
    in_.end_of_line();
  } else {
    branch.then_region = region();
  }
  branch.else_region = else_region();
  if (branch.else_region != kNone) in_.sign("}");
  r_.ifs.define(node.index, branch, in_);
  return node;
}

Node RegionReader::for_loop() {
  Node node{.op = Op::kLoop};
  node.index = r_.loops.claim(in_.mark(), in_);
  Loop loop;
  loop.item = r_.slot();
  in_.word("in");
  node.args.push_back(r_.slot());
  loop.whole = whole();
  node.position = r_.position();
  loop.body = region();
  loop.orelse = else_region();
  if (loop.orelse != kNone) in_.sign("}");
  r_.loops.define(node.index, loop, in_);
  return node;
}

Node RegionReader::while_loop() {
  Node node{.op = Op::kLoop};
  node.index = r_.loops.claim(in_.mark(), in_);
  Loop loop;
  loop.whole = whole();
  node.position = r_.position();
  loop.head = region();
  in_.sign("}");
  in_.word("do");
  loop.condition = r_.slot();
  loop.body = region();
  loop.orelse = else_region();
  if (loop.orelse != kNone) in_.sign("}");
  r_.loops.define(node.index, loop, in_);
  return node;
}

// From after "} test" or "} except" to the body's last line.
Handler RegionReader::handler() {
  Handler h;
  if (in_.try_word("test")) {
    h.test = region();
    in_.sign("}");
    in_.word("except");
    h.caught = r_.slot();
  } else {
    in_.word("except");
  }
  h.body = region();
  return h;
}

Node RegionReader::attempt() {
  Node node{.op = Op::kTry};
  node.index = r_.tries.claim(in_.mark(), in_);
  Try t;
  if (r_.at_slot()) t.exception = r_.slot();
  t.whole = whole();
  node.position = r_.position();
  t.body = region();
  in_.sign("}");
  while (in_.at_word("test") || in_.at_word("except")) {
    t.handlers.push_back(handler());
    in_.sign("}");
  }
  if (in_.try_word("else")) {
    t.orelse = region();
    in_.sign("}");
  }
  if (in_.try_word("finally")) {
    t.final_on_exception = !in_.try_word("unless");
    if (!t.final_on_exception) in_.word("raised");
    t.final_region = region();
    in_.sign("}");
  }
  r_.tries.define(node.index, std::move(t), in_);
  return node;
}

void RegionReader::unused_eval() {
  const Index index = r_.fragments.claim(in_.mark(), in_);
  Fragment f = fragment_head();
  in_.sign("(");
  while (!in_.at_sign(")")) {
    f.operands.push_back(in_.name());
    if (in_.try_sign(":")) f.holes.push_back(in_.number_or_none());
    if (!in_.try_sign(",")) break;
  }
  in_.sign(")");
  r_.fragments.define(index, std::move(f), in_);
}

void RegionReader::unused_call() {
  const Index index = r_.calls.claim(in_.mark(), in_);
  CallShape shape;
  if (in_.try_sign(".")) shape.method = r_.name();
  in_.sign("(");
  while (!in_.at_sign(")")) {
    shape.args.push_back(argument());
    in_.word("_");
    if (!in_.try_sign(",")) break;
  }
  in_.sign(")");
  shape.awaited = in_.try_word("await");
  r_.calls.define(index, std::move(shape), in_);
}

void RegionReader::unused_unpack() {
  const Index index = r_.unpacks.claim(in_.mark(), in_);
  r_.unpacks.define(index, unpack_dests(), in_);
}

}  // namespace xcs::ir
