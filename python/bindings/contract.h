// What callables promise: found by the callable itself, never by the name it is called by.
#pragma once

#include <cstdint>
#include <string>
#include <unordered_map>
#include <vector>

#include "objects.h"
#include "window/value.h"

namespace xcs::python {

struct Contract {
  enum Effect : std::uint8_t { kPure, kIndependent, kReads, kOrdered, kUnknown };
  enum Returns : std::uint8_t { kObject, kData, kAtom, kElement, kArgument };
  enum Reads : std::uint8_t { kDeep, kShallow, kNothing };
  // kNative: xcs.llm, on the reactor; kAsync: it is awaited; kEmbed: xcs.embed, merged with others on the
  // reactor
  enum Run : std::uint8_t { kThread, kNative, kAsync, kEmbed };

  Effect effect = kUnknown;
  Returns returns = kObject;
  Reads reads = kDeep;
  bool declared = false;                    // by the user, and not by the registry
  std::string resource;                     // kReads, kOrdered
  std::vector<std::uint32_t> mutates;       // positions
  std::vector<std::string> mutated_names;   // keywords
  std::vector<std::uint32_t> callbacks;     // positions
  std::vector<std::string> callback_names;  // keywords
  nb::object enter;                         // the function of xcs._prelude that does the same; null: none
  nb::object guard;                         // called with (positional tuple, keyword dict); null: none
  nb::object type;                          // the class of the result, exactly; null: it is not known
  Run run = kThread;                        // kIndependent

  // What is known of a result that is not there yet.
  window::Flags flags() const;
  window::KnownRef known() const;
};

// The contracts of the process. Used with the GIL held.
class Contracts {
 public:
  static Contracts& instance();

  // The contract of `callee`, or null. Bound methods have that of their function. Reads the registry's file
  // for the callee's package when a callable of it is first met.
  const Contract* find(PyObject* callee);
  // As find, for a method that `type` defines: `function` is what the class holds.
  const Contract* find_method(PyTypeObject* type, PyObject* function);
  // Whether the registry says that reading the attribute, for which a class of `type` holds `descriptor`, is
  // pure.
  bool is_pure_attribute(PyTypeObject* type, PyObject* descriptor);
  // Whether what such an attribute gives is an atom.
  bool gives_atom(PyObject* descriptor) const;

  // Whether the registry says that what the callable's library does reaches independent calls only through
  // what it is given.
  bool is_closed(PyObject* callee);

  // Declares a contract, in place of what the registry says. Without `keep_alive` the caller sees to it that
  // forget() is called before another object can have the callee's address.
  void set(nb::object callee, Contract contract, bool keep_alive);
  void forget(PyObject* callee);

  // Changes with every declaration.
  std::uint64_t generation() const { return generation_; }

 private:
  const Contract* find_here(PyObject* callee);
  void read_registry(PyObject* module_name);

  struct Entry {
    nb::object callee;  // null when it is not kept alive
    Contract contract;
  };
  std::unordered_map<PyObject*, Entry> table_;
  // Descriptors whose reading is pure, and whether they give atoms.
  std::unordered_map<PyObject*, std::pair<nb::object, bool>> attributes_;
  std::unordered_map<PyObject*, nb::object> modules_;  // names of modules whose contracts have been read
  std::unordered_map<PyObject*, std::pair<nb::object, bool>> closed_;  // modules, by name
  std::uint64_t generation_ = 0;
};

// From fields named as in registry/README.md. Throws nb::value_error for words it does not know.
Contract contract_from(const nb::dict& fields);

void bind_contracts(nb::module_& m);

}  // namespace xcs::python
