#include "ir/parser.h"

#include "ir/facts.h"
#include "ir/region_reader.h"

namespace xcs::ir {
namespace {

class Parser {
 public:
  explicit Parser(std::vector<Token> tokens) : in_(std::move(tokens)) {}

  Program program() {
    header();
    while (!in_.done()) section();
    finish();
    return std::move(p_);
  }

 private:
  void header();
  void signature();
  bool header_line();
  void free_variables();
  void other_slots();
  void section();
  void statement();
  void function();
  void unused();
  void finish();

  TokenReader in_;
  Program p_;
  Reading r_{p_, in_};
  bool has_body_ = false;
};

void Parser::header() {
  in_.word("program");
  p_.name = p_.qualname = in_.string();
  signature();
  p_.position = r_.position();
  in_.end_of_line();
  while (header_line()) in_.end_of_line();
}

// "(%a, /, %b, *%rest, %key, **%more)"; the slots' order is positional, keyword-only, * and **.
void Parser::signature() {
  Parameters& p = p_.parameters;
  std::vector<Token> plain;
  std::optional<Token> star;
  std::optional<Token> double_star;
  bool keywords = false;
  in_.sign("(");
  while (!in_.at_sign(")")) {
    if (in_.try_sign("/")) {
      p.positional_only = p.positional;
    } else if (in_.try_sign("*")) {
      std::optional<Token>& rest = in_.try_sign("*") ? double_star : star;
      keywords = true;
      if (r_.at_slot()) rest = in_.take();
    } else {
      if (!r_.at_slot()) in_.expected("a parameter");
      plain.push_back(in_.take());
      ++(keywords ? p.keyword_only : p.positional);
    }
    if (!in_.try_sign(",")) break;
  }
  in_.sign(")");
  p.star = star.has_value();
  p.double_star = double_star.has_value();
  for (const Token& t : plain) r_.declare(t);
  if (star) r_.declare(*star);
  if (double_star) r_.declare(*double_star);
}

bool Parser::header_line() {
  if (in_.try_word("qualname")) {
    p_.qualname = in_.string();
  } else if (in_.try_word("file")) {
    p_.file = in_.string();
  } else if (in_.try_word("generator")) {
    p_.generator = true;
  } else if (in_.try_word("delegates")) {
    p_.delegates = true;
  } else if (in_.try_word("coroutine")) {
    p_.coroutine = true;
  } else if (in_.try_word("refusal")) {
    p_.refusal = in_.string();
  } else if (in_.try_word("free")) {
    free_variables();
  } else if (in_.try_word("slots")) {
    other_slots();
  } else if (in_.try_word("names")) {
    for (std::string& n : r_.words()) r_.names.declare(std::move(n));
  } else if (in_.try_word("reasons")) {
    for (std::string& n : r_.words()) r_.reasons.declare(std::move(n));
  } else if (in_.try_word("constants")) {
    do r_.constants.declare(in_.number_or_none());
    while (in_.try_sign(","));
  } else {
    return false;
  }
  return true;
}

void Parser::free_variables() {
  if (p_.slots.size() != p_.parameters.count())
    in_.fail("'free' stands after the parameters, before other slots");
  std::vector<SlotId> cells;
  r_.named_slots(p_.free_names, cells);
  if (p_.slots.size() != p_.parameters.count() + cells.size()) in_.fail("a free variable is there twice");
}

// "%a, %3 to %9": a range stands for temporaries.
void Parser::other_slots() {
  do {
    if (!r_.at_slot()) in_.expected("a slot");
    Token slot = in_.take();
    r_.declare(slot);
    if (!in_.try_word("to")) continue;
    if (!slot.name.empty() || !r_.at_slot() || !in_.peek().name.empty())
      in_.expected("a range of temporaries");
    const std::string last = in_.take().text;
    for (int i = 0; slot.text != last; ++i) {
      if (i > 100'000) in_.fail("a range of slots without end");
      slot.text = fmt::format("%{}", std::stoul(slot.text.substr(1)) + 1);
      r_.declare(slot);
    }
  } while (in_.try_sign(","));
}

void Parser::section() {
  if (in_.try_word("body")) {
    if (has_body_) in_.fail("a program has one body");
    has_body_ = true;
    p_.body = RegionReader(r_).region();
    in_.sign("}");
  } else if (in_.try_word("statement")) {
    statement();
    return;
  } else if (in_.try_word("function")) {
    function();
    return;
  } else if (in_.try_word("unused")) {
    unused();
  } else {
    in_.expected("'body', 'statement', 'function' or 'unused'");
  }
  in_.end_of_line();
}

void Parser::statement() {
  const Index index = r_.statements.claim(in_.number(), in_);
  Statement s;
  in_.word("syntax");
  s.syntax = in_.number_or_none();
  if (in_.try_word("reason")) {
    const std::string text = in_.string();
    const auto mark = in_.mark();
    s.reason = r_.reasons.find(text, mark, in_);
  }
  in_.end_of_line();
  for (bool more = true; more;) {
    if (in_.try_word("in"))
      r_.named_slots(s.input_names, s.inputs);
    else if (in_.try_word("out"))
      r_.named_slots(s.output_names, s.outputs);
    else if (in_.try_word("cells"))
      r_.named_slots(s.cell_names, s.cells);
    else
      more = false;
    if (more) in_.end_of_line();
  }
  r_.statements.define(index, std::move(s), in_);
}

void Parser::function() {
  const Index index = r_.functions.claim(in_.number(), in_);
  FunctionTemplate f;
  f.name = f.qualname = in_.string();
  in_.word("syntax");
  f.syntax = in_.number_or_none();
  in_.end_of_line();
  for (bool more = true; more;) {
    if (in_.try_word("qualname"))
      f.qualname = in_.string();
    else if (in_.try_word("defaults"))
      f.defaults = in_.number();
    else if (in_.try_word("keyword_defaults"))
      f.keyword_defaults = in_.number();
    else if (in_.try_word("keywords"))
      f.keyword_names = r_.words();
    else if (in_.try_word("cells"))
      f.cells = r_.words();
    else
      more = false;
    if (more) in_.end_of_line();
  }
  r_.functions.define(index, std::move(f), in_);
}

void Parser::unused() {
  RegionReader reader(r_);
  if (in_.try_word("eval"))
    reader.unused_eval();
  else if (in_.try_word("call"))
    reader.unused_call();
  else if (in_.try_word("unpack"))
    reader.unused_unpack();
  else
    in_.expected("'eval', 'call' or 'unpack'");
}

void Parser::finish() {
  r_.fragments.check_complete(in_);
  r_.calls.check_complete(in_);
  r_.unpacks.check_complete(in_);
  r_.statements.check_complete(in_);
  r_.functions.check_complete(in_);
  r_.ifs.check_complete(in_);
  r_.loops.check_complete(in_);
  r_.tries.check_complete(in_);
  r_.regions.check_complete(in_);
  fill_facts(p_);
}

}  // namespace

Result<Program> parse(std::string_view text) {
  auto lexed = tokens(text);
  if (!lexed) return std::unexpected(std::move(lexed.error()));
  try {
    return Parser(*std::move(lexed)).program();
  } catch (SyntaxError& failure) {
    return std::unexpected(std::move(failure.error));
  }
}

}  // namespace xcs::ir
