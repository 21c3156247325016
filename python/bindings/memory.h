// Reading memory at one place of the program: committed objects, with the stores that precede the place
// replayed.
#pragma once

#include <span>
#include <unordered_map>
#include <vector>

#include "placeholder.h"
#include "types.h"
#include "window/host.h"

namespace xcs::python {

using window::Action;
using window::PendingStore;
using window::View;
using window::Where;

// What keeps a read from being done now.
enum class Obstacle : std::uint8_t {
  kNothing,
  kElement,  // `element` has to be there first
  kBlocked,  // the view said so
  kUnknown,  // it may run code of the user's, or read objects that cannot be looked at
  kHeld,     // earlier stores cannot be replayed on a copy that would do
};

// The result of replaying stores on a copy of a container.
struct Replayed {
  Obstacle obstacle = Obstacle::kNothing;
  nb::object copy;  // may hold placeholders
  Value element;    // kElement
};

// Whether finding an attribute in the dict of the instance runs no code of the keys that are in it.
bool has_plain_keys(PyObject* instance);
// The attribute that is in the dict of the instance, borrowed, or null.
PyObject* attribute_in_dict(PyObject* object, PyObject* name);
// The attributes and slots that the instance has of its own: interned names, and what they hold, borrowed.
std::vector<std::pair<nb::object, PyObject*>> own_attributes_of(PyObject* object);
// What they hold, borrowed; of an exception, its arguments too.
std::vector<PyObject*> attributes_of(PyObject* object);

// REQUIRES: `object` is a container; `stores` come from view.look(object, kAll).
Replayed replay(PyObject* object, std::span<const PendingStore> stores);

// Note [dicts of instances]
// `instance.__dict__` is the same memory as the instance's attributes. It is given out when everything before
// is committed; from then on, as long as something besides the instance holds it, stores to attributes are
// stores to its items as well, and who reads an attribute asks about both.

// The dict of the instance's attributes if something else holds it, borrowed, or null.
PyObject* shared_dict(PyObject* instance);

// What stands in the way of reading the attribute `name` of the instance (all of them: null) in the dict that
// is shared_dict().
View::State look_in_dict(PyObject* instance, PyObject* name, View& view);

// The container `object` as it is at the view's place: itself, or a copy with the earlier stores replayed.
Replayed read_container(PyObject* object, View& view);

// Whether it is a compiled method bound to an object, such as d.get: what it does depends on that object,
// too.
bool is_bound_builtin(PyObject* callee);

// The name of a method bound to a builtin object. REQUIRES: PyCFunction_Check(method)
const char* method_name(PyObject* method);

// Whether a pending value in position `index` of the call's arguments does not keep the method from being
// replayed.
bool may_be_pending(std::string_view method, std::size_t index);

// How far a node looks.
enum class Depth : std::uint8_t {
  kShallow,    // at its operands, but not at what they hold
  kDeep,       // at everything an operator or a formatting can reach
  kReached,    // and at the attributes of instances without operators of their own
  kArguments,  // also at the attributes of instances: what a callee can reach
};

// How far a method that changes `container` looks at what it is given: one that hashes its items, or takes
// them apart, at all of it.
Depth depth_of_arguments(PyObject* container);

// What a node's operands reach, as it is at the node's place. Objects without pending stores stand for
// themselves; the others, and what leads to them, are copied.
class Snapshot {
 public:
  Snapshot(View& view, Placeholders& placeholders, Depth depth)
      : view_(view), placeholders_(placeholders), depth_(depth) {}

  // With kShallow: placeholders directly in an operand are no obstacle.
  void keep_placeholders() { keep_placeholders_ = true; }

  // Adds an operand; stops at the first obstacle.
  Obstacle add(PyObject* operand);
  const Value& element() const { return element_; }  // after kElement
  // As add(), of an instance of which a copy is made.
  Obstacle add_attributes(PyObject* instance);

  // Whether any operand is replaced by a copy, and whether anything an operand holds is.
  bool copied() const { return !copies_.empty(); }
  bool copied_inside() const { return copied_inside_; }
  // The operand, or the copy that replaces it.
  nb::object get(PyObject* operand);
  // What was visited for its attributes.
  std::span<PyObject* const> instances() const { return instances_; }
  // Whether something other than this holds a copy that get() gave.
  bool is_held() const;

 private:
  Obstacle visit(PyObject* object, bool inside);
  Obstacle visit_at(PyObject* object, bool inside);
  Obstacle visit_container(PyObject* object, bool inside);
  Obstacle visit_elements(PyObject* container);
  Obstacle visit_attributes(PyObject* object);
  Obstacle visit_callable(PyObject* object);
  Obstacle visit_all(std::span<PyObject* const> held);
  bool leads_to_copy(PyObject* instance) const;
  nb::object rebuild(PyObject* object);

  View& view_;
  Placeholders& placeholders_;
  const Depth depth_;
  bool copied_inside_ = false;
  int depth_now_ = 0;  // objects within objects, of the one that is looked at
  bool keep_placeholders_ = false;
  Value element_;
  std::unordered_map<PyObject*, nb::object> visited_;  // kept alive; null: stands for itself
  std::vector<PyObject*> instances_;                   // of visited_
  std::unordered_map<PyObject*, nb::object> copies_;
  std::unordered_map<PyObject*, nb::object> rebuilt_;
};

// The dict behind a view, borrowed.
PyObject* dict_of_view(PyObject* view);

}  // namespace xcs::python
