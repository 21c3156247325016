// Digests of Python objects by what they hold, equal in every process that holds the same.
#pragma once

#include <optional>
#include <string>

#include "objects.h"

namespace xcs::python {

// Note [requests]
// Two calls are the same request when callee and arguments are equal in type and content, dicts in order
// included. Builtin data is written out; any other object stands for what it would be pickled from, without
// the identities that pickle keeps, and functions for their names, their own code and what they close over.
// Objects that cannot be pickled have no digest; python/xcs/_identity.py says what stands for clients of
// known libraries.
//
// The object that a method is called on is not part of the request but of its context, like the constants
// that the callee's code names: it may change while calls are in flight, as a counter in it does, so that its
// digest may depend on when the call is issued. A journal that has found a call by its path does not need it.
class Digest {
 public:
  // Whether it could be added; otherwise the digest is of no use. The objects' own code runs where pickle
  // would run it.
  bool add(nb::handle object) { return put(object, 0); }
  void add_text(std::string_view text) { put_text('s', text); }

  // Throws nb::python_error.
  std::string finish() const;

 private:
  bool put(nb::handle object, int depth);
  bool put_items(char tag, nb::handle sequence, int depth);
  bool put_dict(nb::handle dict, int depth);
  bool put_set(nb::handle set, int depth);
  bool put_object(nb::handle object, int depth);
  void put_text(char tag, std::string_view text);

  std::string bytes_;
};

// What tells the code of a function from another version of it; the places in the file do not count.
std::string version_of(nb::handle code);

}  // namespace xcs::python
