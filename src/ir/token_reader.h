// Steps through tokens. A failed expectation throws SyntaxError, which parse() turns into its result.
#pragma once

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "ir/lexer.h"

namespace xcs::ir {

struct SyntaxError {
  Error error;
};

class TokenReader {
 public:
  explicit TokenReader(std::vector<Token> tokens) : tokens_(std::move(tokens)) {}

  const Token& peek(std::size_t ahead = 0) const {
    return tokens_[std::min(at_ + ahead, tokens_.size() - 1)];
  }
  bool done() const { return peek().kind == Token::kEnd; }
  int line() const { return peek().line; }

  [[noreturn]] void fail(std::string_view message) const { throw SyntaxError{syntax_error(line(), message)}; }
  [[noreturn]] void expected(std::string_view what) const {
    fail(fmt::format("expected {}, found '{}'", what, done() ? "end of text" : peek().text));
  }

  Token take() {
    Token t = peek();
    if (at_ + 1 < tokens_.size()) ++at_;
    return t;
  }
  bool at_word(std::string_view word) const { return peek().kind == Token::kWord && peek().text == word; }
  bool at_sign(std::string_view sign) const { return peek().kind == Token::kSign && peek().text == sign; }
  bool try_word(std::string_view word) { return at_word(word) && (take(), true); }
  bool try_sign(std::string_view sign) { return at_sign(sign) && (take(), true); }
  void sign(std::string_view sign) {
    if (!try_sign(sign)) expected(fmt::format("'{}'", sign));
  }
  void word(std::string_view word) {
    if (!try_word(word)) expected(fmt::format("'{}'", word));
  }
  void end_of_line() {
    if (peek().kind != Token::kNewline) expected("the end of the line");
    take();
  }
  std::string string() {
    if (peek().kind != Token::kString) expected("a string");
    return take().text;
  }
  // A name as spelt() writes it.
  std::string name() {
    if (peek().kind != Token::kString && peek().kind != Token::kWord) expected("a name");
    return take().text;
  }
  std::uint32_t number() {
    if (peek().kind != Token::kNumber) expected("a number");
    return static_cast<std::uint32_t>(take().number);
  }
  // A number or "none".
  std::uint32_t number_or_none() { return try_word("none") ? ~std::uint32_t{0} : number(); }
  // The n of "#n", if there is one.
  std::optional<std::uint32_t> mark() {
    if (!try_sign("#")) return std::nullopt;
    return number();
  }

 private:
  std::vector<Token> tokens_;
  std::size_t at_ = 0;
};

}  // namespace xcs::ir
