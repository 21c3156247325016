// Stores of which it cannot be told which of the values that are not there they go to.
#pragma once

#include <unordered_map>

#include "window/host.h"

namespace xcs::window {

// What values that are not there may hold besides what is known of each.
class Unnamed {
 public:
  // Returns whether it was news.
  bool add(const Effect::Store& store);
  bool add(const Unnamed& other);
  // Of the attribute by this name, or with null of what containers hold; null when that may be anything.
  KnownRef of(const Object* attribute) const;
  // Of what such a place of an object may hold.
  KnownRef of(const Where& where) const;
  // Whether operators on all of it run no code of the program's.
  bool plain() const;

 private:
  KnownRef items_ = known_nothing();
  KnownRef any_attribute_ = known_nothing();  // of what changes an instance as a whole
  std::unordered_map<const Object*, KnownRef> attributes_;
};

// All that may be stored where no object is named for it: through values that are not there, and into objects
// that were not there when they were described.
struct Unlisted {
  Unnamed unnamed, described;

  // As Unnamed has it, of both.
  KnownRef of(const Object* attribute) const { return join(unnamed.of(attribute), described.of(attribute)); }
  // As View::unnamed_is_plain has it.
  bool plain(bool with_described) const { return unnamed.plain() && (!with_described || described.plain()); }
};

}  // namespace xcs::window
