// A program while it is read: its tables, filled in any order, and the slots by their text.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "ir/ir.h"
#include "ir/token_reader.h"

namespace xcs::ir {

// A table whose entries may come in any order; see Note [numbering].
template <class T>
class Table {
 public:
  Table(std::vector<T>& entries, std::string_view what) : entries_(entries), what_(what) {}

  // The number of the entry that begins here.
  Index claim(std::optional<Index> given, const TokenReader& in) {
    const Index index = given.value_or(static_cast<Index>(entries_.size()));
    if (index >= kMaxEntries) in.fail("number too large");
    if (index >= entries_.size()) {
      entries_.resize(index + 1);
      defined_.resize(index + 1, false);
    }
    return index;
  }
  bool defined(Index index) const { return index < defined_.size() && defined_[index]; }
  void define(Index index, T entry, const TokenReader& in) {
    if (defined_[index]) in.fail(fmt::format("{} {} is there already", what_, index));
    entries_[index] = std::move(entry);
    defined_[index] = true;
  }
  // As define(), but the same content may come again.
  void repeat(Index index, T entry, const TokenReader& in) {
    if (!defined_[index]) return define(index, std::move(entry), in);
    if (!(entries_[index] == entry)) in.fail(fmt::format("{} {} was another one before", what_, index));
  }
  void check_complete(const TokenReader& in) const {
    for (std::size_t i = 0; i < defined_.size(); ++i)
      if (!defined_[i]) in.fail(fmt::format("there is no {} {}", what_, i));
  }

 private:
  static constexpr Index kMaxEntries = 1U << 20;  // a slip in a "#n" must not fill the memory
  std::vector<T>& entries_;
  std::vector<bool> defined_;
  std::string_view what_;
};

template <class T>
class InternedTable {
 public:
  explicit InternedTable(std::vector<T>& entries) : entries_(entries) {}
  void declare(T value) {
    first_.emplace(value, static_cast<Index>(entries_.size()));
    entries_.push_back(std::move(value));
  }
  Index find(const T& value, std::optional<Index> given, const TokenReader& in) {
    if (given) {
      if (*given >= entries_.size() || !(entries_[*given] == value))
        in.fail("the number is that of another value");
      return *given;
    }
    if (!first_.contains(value)) declare(value);
    return first_.at(value);
  }

 private:
  std::vector<T>& entries_;
  std::map<T, Index> first_;
};

// REQUIRES: outlived by the program and the tokens it was made with.
class Reading {
 public:
  Reading(Program& to, TokenReader& from)
      : program(to),
        in(from),
        fragments(to.fragments, "fragment"),
        calls(to.calls, "call shape"),
        unpacks(to.unpacks, "unpack"),
        statements(to.statements, "statement"),
        functions(to.functions, "function"),
        ifs(to.ifs, "if"),
        loops(to.loops, "loop"),
        tries(to.tries, "try"),
        regions(to.regions, "region"),
        names(to.names),
        reasons(to.reasons),
        constants(to.constants) {}
  Reading(const Reading&) = delete;
  Reading& operator=(const Reading&) = delete;
  ~Reading() = default;

  bool at_slot() const { return in.peek().kind == Token::kSlot; }
  // A slot; one that has not been declared becomes the last.
  SlotId slot() {
    if (!at_slot()) in.expected("a slot");
    const Token token = in.take();
    const auto known = slots_.find(token.text);
    return known == slots_.end() ? declare(token) : known->second;
  }
  SlotId declare(const Token& token) {
    const auto id = static_cast<SlotId>(program.slots.size());
    if (!slots_.emplace(token.text, id).second) in.fail(fmt::format("{} is declared twice", token.text));
    program.slots.push_back(token.name);
    return id;
  }
  // Any number of slots, separated by commas.
  std::vector<SlotId> slot_list() {
    std::vector<SlotId> all;
    if (!at_slot()) return all;
    do all.push_back(slot());
    while (in.try_sign(","));
    return all;
  }
  // "%a, name=%b".
  void named_slots(std::vector<std::string>& slot_names, std::vector<SlotId>& ids) {
    do {
      if (at_slot()) {
        slot_names.push_back(own_name(in.peek()));
        ids.push_back(slot());
      } else {
        slot_names.push_back(in.name());
        in.sign("=");
        ids.push_back(slot());
      }
    } while (in.try_sign(","));
  }
  std::string own_name(const Token& slot_token) const {
    if (slot_token.name.empty()) in.fail(fmt::format("{} has no name that could be taken", slot_token.text));
    return slot_token.name;
  }
  std::vector<std::string> words() {
    std::vector<std::string> all;
    do all.push_back(in.name());
    while (in.try_sign(","));
    return all;
  }
  Index name() {
    const std::string text = in.name();
    const auto mark = in.mark();
    return names.find(text, mark, in);
  }
  Position position() {
    Position p;
    if (!in.try_sign("@")) return p;
    p.line = p.end_line = static_cast<std::int32_t>(in.number());
    in.sign(":");
    p.column = static_cast<std::int32_t>(in.number());
    in.sign("-");
    p.end_column = static_cast<std::int32_t>(in.number());
    if (in.try_sign(":")) p.end_line = std::exchange(p.end_column, static_cast<std::int32_t>(in.number()));
    return p;
  }
  // The number of a statement or function, which may be defined further down.
  template <class T>
  Index reference(Table<T>& table) {
    return table.claim(in.number(), in);
  }

  Program& program;
  TokenReader& in;
  Table<Fragment> fragments;
  Table<CallShape> calls;
  Table<Unpack> unpacks;
  Table<Statement> statements;
  Table<FunctionTemplate> functions;
  Table<If> ifs;
  Table<Loop> loops;
  Table<Try> tries;
  Table<Region> regions;
  InternedTable<std::string> names, reasons;
  InternedTable<Index> constants;

 private:
  std::map<std::string, SlotId> slots_;
};

}  // namespace xcs::ir
