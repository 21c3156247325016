#include "window/testing/program_builder.h"

#include <algorithm>
#include <utility>

#include "ir/facts.h"
#include "ir/ops.h"

namespace xcs::window::toy {

ProgramBuilder::ProgramBuilder(std::string name, const std::vector<std::string>& parameters,
                               const std::vector<std::string>& free) {
  p_.name = p_.qualname = std::move(name);
  p_.parameters.positional = static_cast<ir::Index>(parameters.size());
  p_.free_names = free;
  p_.slots = parameters;
  p_.slots.insert(p_.slots.end(), free.begin(), free.end());
  p_.regions.emplace_back();
}

ir::SlotId ProgramBuilder::variable(const std::string& name) {
  const auto found = std::ranges::find(p_.slots, name);
  if (found != p_.slots.end()) return static_cast<ir::SlotId>(found - p_.slots.begin());
  p_.slots.push_back(name);
  return static_cast<ir::SlotId>(p_.slots.size() - 1);
}

ir::SlotId ProgramBuilder::temporary() {
  p_.slots.emplace_back();
  return static_cast<ir::SlotId>(p_.slots.size() - 1);
}

void ProgramBuilder::add(ir::Op op, ir::SlotId dest, std::vector<ir::SlotId> args, ir::Index index) {
  const ir::Position position{++line_, 0, line_, 1};
  p_.regions[current_].nodes.push_back({op, dest, index, std::move(args), position});
}

ir::SlotId ProgramBuilder::value(ir::Op op, std::vector<ir::SlotId> args, ir::Index index) {
  const ir::SlotId dest = temporary();
  add(op, dest, std::move(args), index);
  return dest;
}

ir::SlotId ProgramBuilder::constant(ir::Index number) {
  const auto found = std::ranges::find(p_.constants, number);
  const auto index = static_cast<ir::Index>(found - p_.constants.begin());
  if (found == p_.constants.end()) p_.constants.push_back(number);
  return value(ir::Op::kConst, {}, index);
}

ir::SlotId ProgramBuilder::eval(std::string_view text, std::vector<ir::SlotId> args, ir::Op op) {
  ir::Fragment f{.text = std::string(text)};
  for (std::size_t i = 0; i < args.size(); ++i)
    f.operands.push_back(std::string(1, static_cast<char>('a' + i)));
  p_.fragments.push_back(std::move(f));
  return value(op, std::move(args), static_cast<ir::Index>(p_.fragments.size() - 1));
}

ir::SlotId ProgramBuilder::call(std::string_view global_name, std::vector<ir::SlotId> args) {
  return call(global(global_name), std::move(args));
}

ir::SlotId ProgramBuilder::call(ir::SlotId function, std::vector<ir::SlotId> args) {
  p_.calls.push_back({.args = std::vector<ir::Arg>(args.size())});
  args.insert(args.begin(), function);
  return value(ir::Op::kCall, std::move(args), static_cast<ir::Index>(p_.calls.size() - 1));
}

ir::SlotId ProgramBuilder::method(ir::SlotId object, std::string_view method, std::vector<ir::SlotId> args) {
  p_.calls.push_back({.method = name(method), .args = std::vector<ir::Arg>(args.size())});
  args.insert(args.begin(), object);
  return value(ir::Op::kCallMethod, std::move(args), static_cast<ir::Index>(p_.calls.size() - 1));
}

ir::SlotId ProgramBuilder::function(const std::string& program, std::vector<ir::SlotId> cells) {
  ir::FunctionTemplate f;
  f.name = f.qualname = program;
  for (const ir::SlotId cell : cells) f.cells.push_back(p_.slots[cell]);
  p_.functions.push_back(std::move(f));
  return value(ir::Op::kMakeFunction, std::move(cells), static_cast<ir::Index>(p_.functions.size() - 1));
}

ir::Index ProgramBuilder::name(std::string_view text) {
  const auto found = std::ranges::find(p_.names, text);
  if (found == p_.names.end()) {
    p_.names.emplace_back(text);
    return static_cast<ir::Index>(p_.names.size() - 1);
  }
  return static_cast<ir::Index>(found - p_.names.begin());
}

void ProgramBuilder::unpack(ir::SlotId from, std::vector<ir::SlotId> to, ir::Index star) {
  p_.unpacks.push_back({std::move(to), star});
  add(ir::Op::kUnpack, ir::kNone, {from}, static_cast<ir::Index>(p_.unpacks.size() - 1));
}

void ProgramBuilder::statement(std::vector<ir::SlotId> inputs, std::vector<ir::SlotId> outputs) {
  ir::Statement s;
  for (const ir::SlotId slot : inputs) s.input_names.push_back(p_.slots[slot]);
  for (const ir::SlotId slot : outputs) s.output_names.push_back(p_.slots[slot]);
  s.inputs = std::move(inputs);
  s.outputs = std::move(outputs);
  p_.statements.push_back(std::move(s));
  add(ir::Op::kStatement, ir::kNone, {}, static_cast<ir::Index>(p_.statements.size() - 1));
}

ir::RegionId ProgramBuilder::region(const std::function<void()>& write) {
  const auto id = static_cast<ir::RegionId>(p_.regions.size());
  p_.regions.emplace_back();
  const ir::RegionId outer = std::exchange(current_, id);
  write();
  current_ = outer;
  return id;
}

ir::Index ProgramBuilder::add_if(ir::If entry) {
  p_.ifs.push_back(entry);
  return static_cast<ir::Index>(p_.ifs.size() - 1);
}

ir::Index ProgramBuilder::add_loop(ir::Loop entry) {
  p_.loops.push_back(entry);
  return static_cast<ir::Index>(p_.loops.size() - 1);
}

ir::Index ProgramBuilder::add_try(ir::Try entry) {
  p_.tries.push_back(std::move(entry));
  return static_cast<ir::Index>(p_.tries.size() - 1);
}

bool ProgramBuilder::ended() const {
  const std::vector<ir::Node>& nodes = p_.regions[current_].nodes;
  return !nodes.empty() && ir::info(nodes.back().op).exit;
}

ir::Program ProgramBuilder::finish() {
  ir::fill_facts(p_);
  return std::move(p_);
}

}  // namespace xcs::window::toy
