// What a run has seen its calls call.
#pragma once

#include <array>
#include <cstdint>
#include <unordered_map>
#include <unordered_set>

#include "program.h"

namespace xcs::python {

// Note [what calls have called]. Which function `x.method()` calls is not known from the code; and a loop
// that might reach an independent call is walked through node by node, at a multiple of what CPython takes.
// After some turns with nothing in flight, what its calls have called is taken for what they call: when none
// of that, and nothing that overrides it in a subclass, reaches an independent call, CPython runs the turns
// that are left. Of one run only: the next one may be given other objects. Being wrong costs overlap, never
// the answer.
class Observations {
 public:
  // Weak references to what may be gone and must not be kept.
  struct Callee {
    nb::object function;  // or whatever is called
    nb::object type;      // the class of the receiver that it was found on, or null
  };
  static constexpr std::size_t kMost = 4;
  struct Callees {
    std::array<Callee, kMost> known;
    std::uint8_t count = 0;
    bool more = false;  // than are known, or what cannot be told by a reference
  };

  // `receiver` may be null.
  void called(const ir::Node& node, PyObject* callee, PyObject* receiver);
  // What a reference of a Callee refers to, or None.
  static nb::object now(const nb::object& reference);
  // Null when the node has not called anything yet.
  const Callees* at(const ir::Node& node) const;

  // Whether the statement, or the whole program, cannot reach an independent call as far as was seen. `look`:
  // it is found out, where that is not known yet.
  bool harmless(const HostProgram& program, ir::Index statement, bool look);
  // As above, of a program that is entered once more.
  bool harmless_when_entered(const HostProgram& program);

  // What a search that goes by the observations has found of a program or statement.
  Reach& reach(const void* of) { return reaches_[of]; }

 private:
  std::unordered_map<const ir::Node*, Callees> calls_;
  std::unordered_map<const void*, Reach> reaches_;
  std::unordered_set<const void*> harmless_;
  std::unordered_map<const void*, std::uint32_t> entered_;
};

}  // namespace xcs::python
