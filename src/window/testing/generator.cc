#include "window/testing/generator.h"

#include <fmt/format.h>

#include <random>

#include "window/testing/program_builder.h"

namespace xcs::window::toy {
namespace {

using ir::kNone;
using ir::Op;
using ir::SlotId;

// Writes one program. Variables say by their first letter what they usually hold: l and m lists, d dicts, o
// objects, x anything, others numbers.
class Writer {
 public:
  Writer(std::mt19937_64& random, std::string name, const std::vector<std::string>& parameters,
         const std::vector<std::string>& free, int size)
      : random_(random), b_(std::move(name), parameters, free), free_(!free.empty()), left_(size) {}

  ir::Program write(bool with_closure) {
    for (const std::string name : {"a", "b", "x"}) set(name, b_.constant(below(4)));
    set("l", b_.eval("[a, b]", {b_.variable("a"), b_.variable("b")}));
    set("m", chance(50) ? b_.global("g_l") : b_.variable("l"));
    set("d", b_.eval("{a: b}", {b_.variable("a"), b_.variable("l")}));
    set("o", chance(50) ? b_.global("g_o") : b_.call("new", {}));
    closure_ = with_closure;
    if (with_closure) {
      b_.add(Op::kMove, b_.variable("c"), {b_.value(Op::kMakeCell, {b_.variable("a")})});
      b_.add(Op::kMove, b_.variable("h"), {b_.function("closure", {b_.variable("c")})});
    }
    block(0, left_);
    if (!b_.ended()) b_.add(Op::kReturn, kNone, {any()});
    return b_.finish();
  }

 private:
  ir::Index below(std::uint64_t n) { return static_cast<ir::Index>(random_() % n); }
  bool chance(std::uint64_t percent) { return random_() % 100 < percent; }
  // A parameter keeps what it is given.
  void set(const std::string& name, SlotId value) {
    if (b_.variable(name) >= b_.parameters()) b_.add(Op::kMove, b_.variable(name), {value});
  }
  SlotId variable(std::initializer_list<const char*> names) {
    return b_.variable(names.begin()[below(names.size())]);
  }
  SlotId number_variable() { return chance(95) ? variable({"a", "b"}) : b_.variable("x"); }
  SlotId list_variable() { return chance(97) ? variable({"l", "m"}) : variable({"x", "d", "a"}); }
  SlotId dict_variable() { return chance(95) ? b_.variable("d") : b_.variable("x"); }
  SlotId object_variable() { return chance(95) ? b_.variable("o") : b_.variable("x"); }
  SlotId key() { return chance(85) ? b_.constant(below(3)) : number_variable(); }

  SlotId number();
  SlotId pure_number();
  SlotId list();
  SlotId any();
  SlotId asked();
  SlotId one_of(SlotId a, SlotId b);
  SlotId user_call();
  SlotId cell() { return b_.variable("c"); }
  bool has_cell() const { return closure_ || free_; }

  void block(int depth, int size);
  void statement(int depth);
  void assign();
  void store();
  void list_store();
  void branch(int depth);
  void for_loop(int depth);
  void while_loop(int depth);
  void attempt(int depth);
  void leave();
  void inner(int depth) { block(depth + 1, 1 + static_cast<int>(below(4))); }

  std::mt19937_64& random_;
  ProgramBuilder b_;
  const bool free_;
  bool closure_ = false;
  int left_;
  int loops_ = 0;  // around what is written
  int counters_ = 0;
};

SlotId Writer::asked() {
  constexpr const char* kOps[] = {"ask", "ask", "ask", "ask_text", "risky"};
  const char* op = kOps[below(chance(70) ? 4 : 5)];
  if (chance(60)) return b_.call(op, {number_variable()});
  if (chance(50)) return b_.call(op, {any(), b_.constant(below(3))});
  return b_.call(op, {list_variable()});
}

// One of two values, which is not known before an independent call is answered.
SlotId Writer::one_of(SlotId a, SlotId b) {
  const SlotId both = b_.eval("[a, b]", {a, b});
  return b_.value(Op::kLoadItem, {both, b_.value(Op::kTruth, {b_.call("ask", {number_variable()})})});
}

SlotId Writer::user_call() {
  switch (below(6)) {
    case 5:
      return b_.call(one_of(b_.global("f0"), b_.global("f1")),
                     {chance(50) ? list_variable() : object_variable(), number()});
    case 0:
      return b_.call("f0", {list_variable(), number()});
    case 1:
      return b_.call("f1", {object_variable(), any()});
    case 2:
      return b_.method(object_variable(), "f", {number()});
    case 3:
      return b_.value(Op::kSpecial, {object_variable(), number()}, b_.name("f"));
    default:
      return closure_ ? b_.call(b_.variable("h"), {number()}) : b_.call("f0", {list_variable(), number()});
  }
}

SlotId Writer::pure_number() {
  switch (below(6)) {
    case 0:
      return b_.constant(below(5));
    case 1:
      return b_.eval("a + b", {number_variable(), number_variable()});
    case 2:
      return b_.eval(chance(50) ? "a - b" : "a * b", {number_variable(), number_variable()});
    case 3:
      return b_.eval(chance(90) ? "a < b" : "a % b", {number_variable(), number_variable()});
    case 4:
      return b_.eval(chance(50) ? "a == b" : "a is b", {any(), any()});
    default:
      return number_variable();
  }
}

SlotId Writer::number() {
  switch (below(20)) {
    case 16:
    case 17:
    case 18:
      return asked();
    case 0:
      return b_.call("len", {list_variable()});
    case 1:
    case 2:
    case 3:
      return asked();
    case 4:
      return b_.value(Op::kLoadItem, {list_variable(), chance(90) ? b_.constant(0) : number_variable()});
    case 5:
      return b_.value(Op::kLoadAttr, {object_variable()}, b_.name("x"));
    case 6:
      return b_.global("g_n");
    case 7:
      return b_.method(dict_variable(), "get", {key()});
    case 8:
      return chance(50) ? user_call() : pure_number();
    case 9:
      return b_.value(Op::kContains, {number_variable(), chance(50) ? list_variable() : dict_variable()},
                      chance(50) ? kNone : 1);
    case 10:
      return b_.call("digest", {any()});
    case 11:
      return chance(30) ? b_.call("stamp", {number_variable()}) : pure_number();
    case 12:
      return has_cell() ? b_.value(Op::kLoadCell, {cell()}, b_.name("c")) : pure_number();
    case 13:
      return b_.value(Op::kTruth, {any()}, chance(50) ? kNone : 1);
    default:
      return pure_number();
  }
}

SlotId Writer::list() {
  switch (below(12)) {
    case 10:
    case 11:
      return one_of(list_variable(), chance(70) ? list_variable() : any());
    case 0:
    case 1:
      return list_variable();
    case 2:
    case 3:
      return b_.eval("[a, b]", {number_variable(), any()});
    case 4:
      return b_.eval("[]", {});
    case 5:
      return b_.call("copy", {list_variable()});
    case 6:
      return b_.value(Op::kLoadItem, {b_.call("ask_dict", {number_variable()}), b_.eval("'l'", {})});
    case 7:
      return b_.value(Op::kLoadAttr, {object_variable()}, b_.name("y"));
    case 8:
      return b_.global("g_l");
    default:
      return b_.eval("a + b", {list_variable(), list_variable()});
  }
}

SlotId Writer::any() {
  switch (below(8)) {
    case 0:
      return list_variable();
    case 1:
      return dict_variable();
    case 2:
      return b_.variable("x");
    case 3:
      return object_variable();
    default:
      return number_variable();
  }
}

void Writer::assign() {
  switch (below(15)) {
    case 12:
    case 13:
    case 14:
      b_.add(Op::kMove, number_variable(), {asked()});
      return;
    case 0:
    case 1:
      b_.add(Op::kMove, list_variable(), {list()});
      return;
    case 2:
      b_.add(Op::kMove, b_.variable("d"),
             {chance(50) ? b_.call("ask_dict", {number_variable()}) : b_.eval("{a: b}", {key(), any()})});
      return;
    case 3:
      b_.add(Op::kMove, b_.variable("o"), {chance(50) ? b_.call("new", {}) : b_.global("g_o")});
      return;
    case 4:
      b_.add(Op::kMove, b_.variable("x"), {chance(50) ? any() : list()});
      return;
    case 5:
      b_.add(Op::kMove, b_.variable("x"), {b_.eval("f'{a}'", {any()})});
      return;
    case 6:
      b_.add(Op::kMove, b_.variable("x"), {user_call()});
      return;
    case 7:
      b_.unpack(list_variable(), {b_.variable("a"), chance(90) ? b_.variable("l") : b_.variable("b")},
                chance(95) ? 1 : kNone);
      return;
    case 8:
      b_.add(Op::kMove, b_.variable("x"), {b_.call("join", {list_variable()})});
      return;
    default:
      b_.add(Op::kMove, number_variable(), {number()});
  }
}

void Writer::list_store() {
  const SlotId l = list_variable();
  switch (below(9)) {
    case 0:
      b_.add(Op::kStoreItem, kNone, {l, b_.constant(chance(85) ? 0 : below(3)), any()});
      return;
    case 1:
      b_.add(Op::kMove, b_.variable("x"), {b_.method(l, "pop", {})});
      return;
    case 2:
      b_.method(l, chance(80) ? "sort" : "clear", {});
      return;
    case 3:
      b_.method(l, "extend", {list_variable()});
      return;
    case 4:
      b_.add(Op::kMove, l, {b_.eval("a += b", {l, chance(95) ? list_variable() : number()}, Op::kInplace)});
      return;
    case 5:
      b_.add(Op::kAppend, kNone, {l, number()});
      return;
    case 6:
      if (chance(30)) b_.add(Op::kDeleteItem, kNone, {l, b_.constant(below(2))});
      return;
    default:
      b_.method(l, "append", {chance(60) ? number() : any()});
  }
}

void Writer::store() {
  switch (below(12)) {
    case 0:
    case 1:
      b_.add(Op::kStoreItem, kNone, {dict_variable(), key(), any()});
      return;
    case 2:
      b_.add(Op::kStoreAttr, kNone, {object_variable(), number()}, b_.name("x"));
      return;
    case 3:
      b_.add(Op::kStoreAttr, kNone, {object_variable(), chance(60) ? list() : any()}, b_.name("y"));
      return;
    case 4:
      b_.add(Op::kStoreGlobal, kNone, {number()}, b_.name("g_n"));
      return;
    case 5:
      b_.add(Op::kStoreGlobal, kNone, {list()}, b_.name("g_l"));
      return;
    case 6:
      if (has_cell()) b_.add(Op::kStoreCell, kNone, {cell(), number()}, b_.name("c"));
      return;
    case 7:
      if (chance(40)) b_.method(dict_variable(), "update", {dict_variable()});
      if (chance(40))
        b_.add(Op::kMove, b_.variable("x"), {b_.method(dict_variable(), "setdefault", {key(), any()})});
      if (chance(15)) b_.method(dict_variable(), "pop", {key()});
      return;
    default:
      list_store();
  }
}

void Writer::branch(int depth) {
  const SlotId condition = number();
  const ir::RegionId then = b_.region([&] { inner(depth); });
  const ir::RegionId otherwise = chance(40) ? b_.region([&] { inner(depth); }) : kNone;
  b_.add(Op::kIf, kNone, {condition}, b_.add_if({.then_region = then, .else_region = otherwise}));
}

void Writer::for_loop(int depth) {
  const SlotId over = chance(45)   ? b_.call("range", {b_.constant(2 + below(3))})
                      : chance(70) ? list()
                                   : dict_variable();
  const SlotId iterator = b_.value(Op::kIter, {over});
  ++loops_;
  const ir::RegionId body = b_.region([&] { inner(depth); });
  --loops_;
  const ir::RegionId orelse = chance(20) ? b_.region([&] { inner(depth); }) : kNone;
  const ir::Index loop = b_.add_loop({.item = variable({"a", "x", "b"}), .body = body, .orelse = orelse});
  b_.add(Op::kLoop, kNone, {iterator}, loop);
}

void Writer::while_loop(int depth) {
  const SlotId counter = b_.variable(fmt::format("k{}", counters_++));
  b_.add(Op::kMove, counter, {b_.constant(0)});
  const SlotId condition = b_.temporary();
  const ir::RegionId head = b_.region([&] {
    b_.add(Op::kMove, condition,
           {b_.eval("a < b", {counter, chance(70) ? b_.constant(3) : number_variable()})});
  });
  ++loops_;
  const ir::RegionId body = b_.region([&] {
    b_.add(Op::kMove, counter, {b_.eval("a + b", {counter, b_.constant(1)})});
    inner(depth);
  });
  --loops_;
  const ir::RegionId orelse = chance(20) ? b_.region([&] { inner(depth); }) : kNone;
  b_.add(Op::kLoop, kNone, {},
         b_.add_loop({.head = head, .condition = condition, .body = body, .orelse = orelse}));
}

void Writer::attempt(int depth) {
  ir::Try t;
  t.exception = b_.variable("e");
  t.body = b_.region([&] { inner(depth); });
  const bool handlers = chance(80);
  if (handlers) {
    if (chance(60)) {
      ir::Handler h;
      h.caught = b_.temporary();
      h.test = b_.region([&] {
        const SlotId type = b_.eval(chance(50) ? "'AskError'" : "'Error'", {});
        b_.add(Op::kMatchException, h.caught, {t.exception, type});
      });
      h.body = b_.region([&] { inner(depth); });
      t.handlers.push_back(h);
    }
    if (t.handlers.empty() || chance(50))
      t.handlers.push_back({.body = b_.region([&] {
        if (chance(50)) b_.add(Op::kMove, b_.variable("x"), {t.exception});
        inner(depth);
        if (!b_.ended() && chance(20)) b_.add(Op::kReraise, kNone, {});
      })});
    if (chance(30)) t.orelse = b_.region([&] { inner(depth); });
  } else {
    t.exception = kNone;
  }
  if (!handlers || chance(35)) {
    t.final_region = b_.region([&] { inner(depth); });
    t.final_on_exception = chance(75);
  }
  b_.add(Op::kTry, kNone, {}, b_.add_try(std::move(t)));
}

void Writer::leave() {
  if (loops_ > 0 && chance(60)) {
    b_.add(chance(50) ? Op::kBreak : Op::kContinue, kNone, {});
  } else if (chance(70)) {
    b_.add(Op::kReturn, kNone, {any()});
  } else if (chance(50)) {
    b_.add(Op::kRaise, kNone, {number_variable()});
  } else {
    b_.add(Op::kRaise, kNone, {b_.variable("x")});
  }
}

void Writer::statement(int depth) {
  --left_;
  const auto choice = below(100);
  if (choice < 38) {
    assign();
  } else if (choice < 64) {
    store();
  } else if (choice < 72) {
    b_.call("print", {any(), number_variable()});
  } else if (choice < 74) {
    b_.add(Op::kMove, b_.variable("x"), {b_.call("mutate", {any()})});
  } else if (choice < 75) {
    b_.statement({list_variable(), b_.variable("z")}, {b_.variable("x"), b_.variable("z")});
  } else if (choice < 76) {
    b_.add(Op::kUnbind, kNone, {b_.variable("z")});
  } else if (choice < 78) {
    b_.add(Op::kMove, b_.variable("z"), {number()});
  } else if (depth >= 3) {
    assign();
  } else if (choice < 86) {
    branch(depth);
  } else if (choice < 91) {
    for_loop(depth);
  } else if (choice < 93) {
    while_loop(depth);
  } else {
    attempt(depth);
  }
}

void Writer::block(int depth, int size) {
  for (int i = 0; i < size && left_ > 0; ++i) statement(depth);
  if (depth > 0 && chance(12)) leave();
}

}  // namespace

Scenario generate(std::uint64_t seed) {
  std::mt19937_64 random(seed * 2654435761U + 17);
  Scenario s;
  s.shape = random();
  const auto write = [&](const std::string& name, const std::vector<std::string>& parameters,
                         const std::vector<std::string>& free, int size, bool closure) {
    Writer writer(random, name, parameters, free, size);
    s.programs.push_back(std::make_shared<const ir::Program>(writer.write(closure)));
  };
  write("main", {"l", "m", "d", "o"}, {}, 6 + static_cast<int>(random() % 30), true);
  write("f0", {"l", "a"}, {}, 1 + static_cast<int>(random() % 6), false);
  write("f1", {"o", "x"}, {}, 1 + static_cast<int>(random() % 6), false);
  write("method", {"o", "a"}, {}, 1 + static_cast<int>(random() % 5), false);
  write("closure", {"b"}, {"c"}, 1 + static_cast<int>(random() % 4), false);
  return s;
}

}  // namespace xcs::window::toy
