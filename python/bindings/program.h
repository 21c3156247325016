// A lowered Python function as the host runs it: the program, and the Python objects that its indices name.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "expression.h"
#include "ir/ir.h"
#include "objects.h"

namespace xcs::python {

// A call site of a program that decides whether a region can reach an independent call, and what it named
// then.
struct Reach {
  bool known = false;
  bool reaches = true;
  std::uint64_t generation = 0;                          // of the contracts it was found with
  std::vector<std::pair<PyObject*, PyObject*>> globals;  // names (of the program) and what they were bound to
};

// Immutable but for what is made on first use. Belongs to the threads that hold the GIL.
struct Operation;

class HostProgram final : public ir::Program {
 public:
  // `fragments` is a Fragments (python/xcs/_fragments.py), or None for a program that has none.
  HostProgram(ir::Program program, nb::object fragments, nb::object code, nb::object globals);

  PyObject* name_object(ir::Index i) const { return names_[i].ptr(); }
  // The constant, statement, or code object of a nested function; made on first use.
  PyObject* constant(ir::Index i) const { return made(constants_, "constant", i); }
  // What an import statement reads when it runs nothing: namespaces and names, or None.
  nb::object imported(ir::Index i) const { return source_.attr("imported")(i); }
  PyObject* fragment(ir::Index i) const;  // compiled, a function of the operands
  // The fragment on these operands: a new reference, or null with an error.
  PyObject* evaluated(ir::Index fragment, PyObject* const* operands, std::size_t count) const;
  PyObject* statement(ir::Index i) const { return made(statements_, "statement", i); }
  PyObject* function(ir::Index i) const { return made(functions_, "function", i); }
  // A function that stands for this one, paused at `position`: it calls its first argument with the others.
  PyObject* frame_at(const ir::Position& position) const;
  // The tuple of a call's keyword names, in order, or null when it has none. REQUIRES: no ** argument
  PyObject* keyword_names(ir::Index call) const { return keyword_names_[call].ptr(); }

  // Whether the node is inside a comprehension that CPython runs as a function of its own.
  bool is_in_comprehension(const ir::Node& node) const;

  // Whether the user wrote it: what the package itself provides leaves no trace in tracebacks.
  bool is_users() const { return users_; }

  // The Fragments that it was made with, or None.
  PyObject* source() const { return source_.ptr(); }
  PyObject* code() const { return code_.ptr(); }  // None when it was made from none
  PyObject* globals() const { return globals_.ptr(); }
  PyObject* builtins() const { return builtins_.ptr(); }

  // The node before `node`, in the same region, that gave the slot the value it has at `node`; null when
  // control may have come another way. REQUIRES: `node` is in one of the regions
  const ir::Node* giver(const ir::Node& node, ir::SlotId slot) const;
  // Of a node in one of the regions: the next one in it, or null.
  const ir::Node* next(const ir::Node& node) const;
  bool is_temporary(ir::SlotId slot) const { return slot != ir::kNone && slots[slot].empty(); }

  // The one node that assigns the slot, or null when there are several or none.
  const ir::Node* definition(ir::SlotId slot) const { return definitions_[slot]; }

  // Where the cells of free variables begin among the slots.
  ir::SlotId first_free() const { return parameters.count(); }

  // A program made of this one, over the same source.
  std::shared_ptr<const HostProgram> changed(ir::Program program) const;

  // Of fragments, by index: see operations.h. Made on first use, as are the next.
  mutable std::vector<std::shared_ptr<const Operation>> operations;
  mutable std::array<std::shared_ptr<const HostProgram>, 3> gathering;  // see gathering.h
  mutable std::vector<Reach> statement_reach;                           // of statements, by index
  mutable Reach reach;                                                  // of the whole program

 private:
  // How a fragment is evaluated: by its expression, while that does, and compiled otherwise.
  struct Evaluation {
    std::unique_ptr<const Expression> expression;
    bool looked = false;
    std::uint8_t declined = 0;  // how often in succession the expression did not do
    nb::object compiled;
  };

  void find_definitions();
  const ir::Region* region_of(const ir::Node& node) const;
  PyObject* made(std::vector<nb::object>& table, const char* kind, ir::Index i) const;

  bool users_;
  nb::object source_;
  nb::object code_;
  nb::object globals_, builtins_;
  std::vector<nb::object> names_, keyword_names_;
  std::vector<const ir::Node*> definitions_;
  mutable std::vector<nb::object> constants_, statements_, functions_;
  mutable std::vector<Evaluation> evaluations_;
  mutable std::map<std::array<std::int32_t, 4>, nb::object> frames_;
};

// REQUIRES: the host made `program`, as it makes all that it enters.
inline const HostProgram& program_of(const ir::Program& program) {
  return static_cast<const HostProgram&>(program);
}

using ProgramRef = std::shared_ptr<const HostProgram>;

// The program of a Python function, lowered when it is first asked for and kept with its code. Its refusal
// says why a function has none that can be entered.
ProgramRef lowered(PyObject* function);
// As lowered, for the functions that have this code object and these globals.
ProgramRef lowered(PyObject* code, PyObject* globals);

}  // namespace xcs::python
