// Writes a program node by node.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "ir/ir.h"

namespace xcs::window::toy {

class ProgramBuilder {
 public:
  ProgramBuilder(std::string name, const std::vector<std::string>& parameters,
                 const std::vector<std::string>& free);

  // The variable's slot; a new temporary.
  ir::SlotId variable(const std::string& name);
  ir::SlotId temporary();

  // Adds a node to the region being written. `dest` may be kNone.
  void add(ir::Op op, ir::SlotId dest, std::vector<ir::SlotId> args, ir::Index index = ir::kNone);
  ir::SlotId value(ir::Op op, std::vector<ir::SlotId> args, ir::Index index = ir::kNone);
  ir::SlotId constant(ir::Index number);
  ir::SlotId eval(std::string_view text, std::vector<ir::SlotId> args, ir::Op op = ir::Op::kEval);
  ir::SlotId global(std::string_view name) { return value(ir::Op::kLoadGlobal, {}, this->name(name)); }
  ir::SlotId call(std::string_view global_name, std::vector<ir::SlotId> args);
  ir::SlotId call(ir::SlotId function, std::vector<ir::SlotId> args);
  ir::SlotId method(ir::SlotId object, std::string_view method, std::vector<ir::SlotId> args);
  ir::SlotId function(const std::string& program, std::vector<ir::SlotId> cells);
  ir::Index name(std::string_view text);
  void unpack(ir::SlotId from, std::vector<ir::SlotId> to, ir::Index star);
  void statement(std::vector<ir::SlotId> inputs, std::vector<ir::SlotId> outputs);

  // A new region, written by `write`.
  ir::RegionId region(const std::function<void()>& write);
  ir::Index add_if(ir::If entry);
  ir::Index add_loop(ir::Loop entry);
  ir::Index add_try(ir::Try entry);

  ir::SlotId parameters() const { return p_.parameters.count(); }
  bool ended() const;  // the region being written ends with an exit
  ir::Program finish();

 private:
  ir::Program p_;
  ir::RegionId current_ = 0;
  int line_ = 0;
};

}  // namespace xcs::window::toy
