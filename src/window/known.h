// What is known of a value that is not there yet.
#pragma once

#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "window/value.h"

namespace xcs::window {

struct Enter;  // host.h

// Note [known values]
// A value that a walk over code not fetched yet (Note [summaries]) could not work out may still be known to
// be one of a few things: data, an object that exists, or a container that the code makes. What the objects
// hold is looked up in memory when it is needed; what a container that does not exist yet will hold is kept
// here, and likewise of an instance. What is stored through values that are not there may be in any of them
// (View::stored_unnamed), and so may what is stored into one after it has been described.

// An instance that does not exist yet.
struct Instance {
  Value type;  // its class, and no other
  // All attributes that it may have of its own, by their names in order of address, and what each may be.
  std::vector<std::pair<Value, KnownRef>> attributes;
  std::vector<KnownRef> parts = {};  // it is a tuple of these, too; empty: it is none
};

struct Known {
  bool any = false;             // it may be anything at all
  bool data = false;            // data that is not listed: nothing of it runs code of the program's
  bool changeable = false;      // it may be data that can be changed
  bool plain = true;            // operators on the objects, and on what the containers hold, run none either
  Value constant;               // the one constant it may be; unbound: none
  std::vector<Value> objects;   // that exist and that it may be, each once
  KnownRef items;               // it may be a container that holds these; null: it is none of that kind
  std::vector<KnownRef> parts;  // it may be a tuple of exactly these; empty: it is not
  std::vector<Instance> instances;      // it may be one of these, each of another class
  Value receiver;                       // it is an attribute of this builtin object, perhaps a method
  std::shared_ptr<const Enter> begins;  // it is a generator that has not started, which begins so
};

// Of what there is none of: the items of an empty container.
KnownRef known_nothing();
KnownRef known_data();
KnownRef known_atom();
KnownRef known_constant(Value value);
KnownRef known_object(Value value, bool plain);
// Of items, or of parts, of which nothing is known where they are null.
// `what` the attribute is otherwise known to be, or null.
KnownRef known_attribute(Value receiver, const KnownRef& what);
KnownRef known_generator(std::shared_ptr<const Enter> begins);
KnownRef known_container(KnownRef items);
KnownRef known_tuple(std::vector<KnownRef> parts);
// `plain`: operators on it run no code of the program's.
KnownRef known_instance(Instance instance, bool plain);
// What a container is known to hold: null where that may be anything.
KnownRef held(const KnownRef& inside);

// As flags: kData, and kAtom. Neither of a container, which may come to hold other things than it is known
// to.
Flags flags_of(const KnownRef& known);
// REQUIRES: value.is_pending()
KnownRef known_of_pending(const Value& value);

// What is known of a value that is one of two; null when nothing is.
KnownRef join(const KnownRef& a, const KnownRef& b);

bool same(const KnownRef& a, const KnownRef& b);

// What it may be besides the objects that exist. REQUIRES: known != nullptr
KnownRef without_objects(const KnownRef& known);

// Whether it is nothing but data, all the way down.
bool is_data(const KnownRef& known);

// Whether it is data that cannot be changed and holds nothing that can.
bool is_atom(const KnownRef& known);

// Whether it may be a container that does not exist yet.
inline bool may_be_container(const Known& known) { return known.items != nullptr || !known.parts.empty(); }

// What is known of one of the `count` variables that such a value is unpacked to; variable `star` gets a
// list.
KnownRef part_of(const KnownRef& known, std::size_t i, std::size_t count, std::size_t star);

// Whether it is one of the objects that exist, and nothing else.
bool is_known_object(const Known& known);

// The object that the value will be, when there is no other.
Value certain(const KnownRef& known);

// The instance that it is, when it can be nothing else.
const Instance* certain_instance(const KnownRef& known);
// What its own attribute is known to be: known_nothing() when it has none by that name.
KnownRef attribute_of(const Instance& instance, const Object* name);

}  // namespace xcs::window
