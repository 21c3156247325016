#include "ir/lexer.h"

#include <fmt/format.h>

#include <optional>

#include "ir/ir.h"
#include "ir/spelling.h"

namespace xcs::ir {
namespace {

bool is_digit(char c) { return c >= '0' && c <= '9'; }

std::optional<int> hex_digit(char c) {
  if (is_digit(c)) return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  return std::nullopt;
}

class Lexer {
 public:
  explicit Lexer(std::string_view text) : text_(text) {}

  // Returns an error or nothing; the tokens are in `out`.
  std::optional<Error> run() {
    while (at_ < text_.size()) {
      if (auto error = next()) return error;
    }
    newline();
    add(Token::kEnd, "");
    return std::nullopt;
  }

  std::vector<Token> out;

 private:
  char peek(std::size_t ahead = 0) const { return at_ + ahead < text_.size() ? text_[at_ + ahead] : '\0'; }

  Token& add(Token::Kind kind, std::string text) {
    out.push_back({kind, std::move(text), "", 0, line_});
    return out.back();
  }

  void newline() {
    if (depth_ == 0 && !out.empty() && out.back().kind != Token::kNewline)
      add(Token::kNewline, "end of line");
  }

  std::optional<Error> next() {
    const char c = peek();
    if (c == '\n') {
      newline();
      ++line_;
      ++at_;
    } else if (c == ' ' || c == '\t' || c == '\r') {
      ++at_;
    } else if (c == ';') {
      while (at_ < text_.size() && peek() != '\n') ++at_;
    } else if (is_digit(c)) {
      return number();
    } else if (is_word_byte(c)) {
      add(Token::kWord, word());
    } else if (c == '"') {
      std::string content;
      if (auto error = string(content)) return error;
      add(Token::kString, std::move(content));
    } else if (c == '%') {
      return slot();
    } else if (std::string_view("(){}[]=,.:#*@/-").find(c) != std::string_view::npos) {
      if (c == '(') ++depth_;
      if (c == ')' && depth_ > 0) --depth_;
      add(Token::kSign, std::string(1, c));
      ++at_;
    } else {
      return syntax_error(line_,
                          fmt::format("unexpected character with code {}", static_cast<unsigned char>(c)));
    }
    return std::nullopt;
  }

  std::string word() {
    const std::size_t start = at_;
    while (at_ < text_.size() && is_word_byte(text_[at_])) ++at_;
    return std::string(text_.substr(start, at_ - start));
  }

  std::optional<Error> number() {
    const std::size_t start = at_;
    std::int64_t value = 0;
    for (; is_digit(peek()); ++at_) {
      value = value * 10 + (peek() - '0');
      if (value > std::int64_t{kNone}) return syntax_error(line_, "number too large");
    }
    add(Token::kNumber, std::string(text_.substr(start, at_ - start))).number = value;
    return std::nullopt;
  }

  // %name, %"name", each perhaps followed by .number; or %number.
  std::optional<Error> slot() {
    const std::size_t start = at_++;
    std::string name;
    if (peek() == '"') {
      if (auto error = string(name)) return error;
    } else if (is_digit(peek())) {
      while (is_digit(peek())) ++at_;
    } else {
      name = word();
      if (name.empty()) return syntax_error(line_, "a slot needs a name or a number");
    }
    if (!name.empty() && peek() == '.' && is_digit(peek(1))) {
      ++at_;
      while (is_digit(peek())) ++at_;
    }
    add(Token::kSlot, std::string(text_.substr(start, at_ - start))).name = name;
    return std::nullopt;
  }

  std::optional<Error> string(std::string& content) {
    for (++at_; peek() != '"'; ++at_) {
      if (at_ >= text_.size() || peek() == '\n') return syntax_error(line_, "a string without end");
      if (peek() != '\\') {
        content += peek();
        continue;
      }
      ++at_;
      const auto high = hex_digit(peek(1));
      const auto low = hex_digit(peek(2));
      if (peek() == 'n') {
        content += '\n';
      } else if (peek() == '"' || peek() == '\\') {
        content += peek();
      } else if (peek() == 'x' && high && low) {
        content += static_cast<char>((*high * 16) + *low);
        at_ += 2;
      } else {
        return syntax_error(line_, "an unknown escape in a string");
      }
    }
    ++at_;
    return std::nullopt;
  }

  std::string_view text_;
  std::size_t at_ = 0;
  int line_ = 1;
  int depth_ = 0;
};

}  // namespace

Error syntax_error(int line, std::string_view message) {
  return {
      .kind = ErrorKind::kUsage, .code = "ir.syntax", .message = fmt::format("line {}: {}", line, message)};
}

Result<std::vector<Token>> tokens(std::string_view text) {
  Lexer lexer(text);
  if (auto error = lexer.run()) return std::unexpected(*std::move(error));
  return std::move(lexer.out);
}

}  // namespace xcs::ir
