// The numbers that table entries get when the text form does not give them.
//
// Note [numbering]
// Fragments, call shapes, unpacks, ifs, loops, tries and regions: an entry without "#n" takes the number
// after the highest so far. Names, constants and reasons: a value without "#n" is the first entry equal to
// it, or a new last entry. The printer writes "#n", or declares the table in the header, exactly where these
// rules would give another number; so the usual program is free of numbers and all programs survive the round
// trip.
#pragma once

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <string>
#include <vector>

#include "ir/ir.h"

namespace xcs::ir {

class Numbering {
 public:
  explicit Numbering(std::size_t table_size) : seen_(table_size, false) {}

  // "" when the reader would number the entry so by itself, else "#index". REQUIRES: index is in the table.
  std::string mark(Index index) {
    const bool expected = !seen_[index] && index == next_;
    seen_[index] = true;
    next_ = std::max(next_, index + 1);
    return expected ? "" : fmt::format("#{}", index);
  }
  bool seen(Index index) const { return seen_[index]; }

 private:
  std::vector<bool> seen_;
  Index next_ = 0;
};

template <class T>
class Interned {
 public:
  explicit Interned(const std::vector<T>& table) : table_(table), seen_(table.size(), false) {
    for (Index i = 0; i < table.size(); ++i) first_.emplace(table[i], i);
  }
  // "" or "#index", to follow the value's text. REQUIRES: index is in the table.
  std::string mark(Index index) {
    const Index first = first_.at(table_[index]);
    if (!seen_[first]) order_.push_back(first);
    seen_[first] = true;
    return first == index ? "" : fmt::format("#{}", index);
  }
  // Whether the table would come out different if it were read from the references alone.
  bool must_declare() const { return order_.size() != table_.size() || !std::ranges::is_sorted(order_); }

 private:
  const std::vector<T>& table_;
  std::map<T, Index> first_;
  std::vector<bool> seen_;
  std::vector<Index> order_;
};

}  // namespace xcs::ir
