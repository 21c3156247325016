#include "lower/syntax.h"

#include <utility>

#include "base/check.h"

namespace xcs::lower {

std::size_t Syntax::offset(std::int32_t line, std::int32_t column) const {
  const std::int32_t index = line - first_line;
  if (index < 0 || static_cast<std::size_t>(index) >= line_starts.size()) return std::string::npos;
  const std::size_t at = line_starts[static_cast<std::size_t>(index)] + static_cast<std::size_t>(column);
  return at <= source.size() ? at : std::string::npos;
}

std::string_view Syntax::text(Index node) const {
  const Position& p = nodes[node].position;
  const std::size_t from = offset(p.line, p.column);
  const std::size_t to = offset(p.end_line, p.end_column);
  if (from == std::string::npos || to == std::string::npos || to < from) return {};
  return std::string_view(source).substr(from, to - from);
}

SyntaxBuilder::SyntaxBuilder() {
  XCS_CHECK(intern("__class__") == kClassName);
  XCS_CHECK(intern("super") == kSuperName);
}

Index SyntaxBuilder::open(Kind kind, const Position& position) {
  const auto index = static_cast<Index>(syntax_.nodes.size());
  SyntaxNode node;
  node.kind = kind;
  node.position = position;
  syntax_.nodes.push_back(node);
  pending_.push_back(index);
  open_.push_back({index, pending_.size()});
  return index;
}

void SyntaxBuilder::absent() { pending_.push_back(kNone); }

void SyntaxBuilder::close() {
  XCS_CHECK(!open_.empty());
  const Open last = open_.back();
  open_.pop_back();
  SyntaxNode& node = syntax_.nodes[last.node];
  node.first_child = static_cast<Index>(syntax_.children.size());
  node.child_count = static_cast<Index>(pending_.size() - last.children_from);
  syntax_.children.insert(syntax_.children.end(),
                          pending_.begin() + static_cast<std::ptrdiff_t>(last.children_from), pending_.end());
  pending_.resize(last.children_from);
}

NameId SyntaxBuilder::intern(std::string_view name) {
  const auto [entry, inserted] =
      ids_.try_emplace(std::string(name), static_cast<NameId>(syntax_.names.size()));
  if (inserted) syntax_.names.emplace_back(name);
  return entry->second;
}

void SyntaxBuilder::set_source(std::string source, std::int32_t first_line) {
  syntax_.source = std::move(source);
  syntax_.first_line = first_line;
  syntax_.line_starts = {0};
  for (std::size_t i = 0; i < syntax_.source.size(); ++i)
    if (syntax_.source[i] == '\n') syntax_.line_starts.push_back(i + 1);
}

Syntax SyntaxBuilder::take() {
  XCS_CHECK(open_.empty(), open_.size());
  return std::move(syntax_);
}

}  // namespace xcs::lower
