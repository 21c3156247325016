// The objects of the toy language, on which the window is checked.
//
// Atoms (none, numbers, strings, ranges) are immutable; lists, dicts, objects with attributes and variable
// cells are mutable, may alias and may contain each other and themselves. A World owns them all.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_set>
#include <utility>
#include <vector>

#include "ir/ir.h"
#include "window/host.h"
#include "window/value.h"

namespace xcs::window::toy {

class World;

enum class Type : std::uint8_t {
  kNone,
  kInt,
  kString,
  kRange,
  kBuiltin,
  kException,
  kList,
  kDict,
  kObject,
  kCell,
  kFunction,
  kIterator,
};

// The mutable part of an object. A copy of it, with pending stores replayed, is what a forwarded load sees.
struct Contents {
  std::vector<Value> items;  // list; cell: none or one; function: its cells; iterator: what it runs over
  std::vector<std::pair<Value, Value>> entries;  // dict, in order of insertion; object: by interned name
};

struct Toy {
  World& world;
  Type type;
  std::uint32_t references = 0;
  std::int64_t number = 0;  // int, range: its length; iterator: the position; builtin: which
  std::string text;         // string; exception: "Type: message"; function, builtin: the name
  Contents contents;
  std::shared_ptr<const ir::Program> program;  // function
  Value context, cause;                        // exception
  std::vector<std::string> trace;              // exception: the calls it left
};

Toy& toy(const Value& value);  // REQUIRES: value.ready()
bool is_atom(const Toy& object);
// Whether two atoms are equal; others are equal when they are one object.
bool equal(const Value& a, const Value& b);

// A heap with globals, a log, and the functions that programs may make. Not thread safe.
class World {
 public:
  World();
  // Empties every object first, so that cycles do not keep each other. Objects still referred to from outside
  // are leaks: see leaked().
  ~World();
  World(const World&) = delete;
  World& operator=(const World&) = delete;

  Value none() const { return none_; }
  Value integer(std::int64_t number);
  Value string(std::string text);
  Value range(std::int64_t length);
  Value list(std::vector<Value> items);
  Value dict(std::vector<std::pair<Value, Value>> entries);
  Value object();
  Value cell(Value content);  // unbound: an empty cell
  Value function(std::shared_ptr<const ir::Program> program, std::vector<Value> cells);
  Value builtin(std::string_view name);
  Value iterator(Value source);
  // Its context is what is being handled.
  Value exception(std::string text);

  // One object per name.
  Toy* intern(std::string_view name);
  Value interned(std::string_view name);

  // Objects, other than interned names and the world's own, that something still refers to.
  std::size_t live() const { return objects_.size(); }
  // Empties everything the world holds and says how many objects are left: each is a reference not given
  // back.
  std::size_t leaked();

  Value globals;  // an object
  std::map<std::string, std::shared_ptr<const ir::Program>> programs;
  std::vector<std::string> log;
  Value handled;
  std::size_t exceptions = 0;  // made so far

 private:
  friend void release(Object* object);
  Value make(Type type);

  std::unordered_set<Toy*> objects_;
  std::map<std::string, Value, std::less<>> names_;
  Value none_;
};

// The builtin functions, each found in globals under its name unless it is hidden by a global.
enum class Builtin : std::int64_t {
  kLen,
  kDigest,  // pure: a small number made from all that its arguments reach
  kJoin,    // pure: the texts of a list's elements
  kRange,
  kNew,      // a fresh object
  kCopy,     // a fresh shallow copy of a list or dict
  kAsk,      // independent: a number made from all that its arguments reach
  kAskText,  // independent: a string
  kAskDict,  // independent: a fresh dict
  kRisky,    // independent: fails for some arguments
  kPrint,    // ordered: writes to the log
  kStamp,    // ordered: how long the log is
  kMutate,  // unknown: changes anything reachable from its arguments or the globals, and answers with some of
            // it
};
inline constexpr std::string_view kBuiltinNames[] = {"len",   "digest", "join",     "range",    "new",
                                                     "copy",  "ask",    "ask_text", "ask_dict", "risky",
                                                     "print", "stamp",  "mutate"};

}  // namespace xcs::window::toy
