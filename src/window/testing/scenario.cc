#include "window/testing/scenario.h"

#include <fmt/format.h>

#include <map>
#include <random>

#include "base/check.h"
#include "ir/parser.h"
#include "ir/printer.h"
#include "ir/verifier.h"
#include "window/testing/sequential.h"

namespace xcs::window::toy {

Scenario scenario(const std::vector<std::string>& texts, std::uint64_t shape) {
  Scenario s;
  s.shape = shape;
  for (const std::string& t : texts) {
    auto program = ir::parse(t);
    if (!program) throw InternalError(program.error());
    const std::vector<std::string> wrong = ir::verify(*program);
    XCS_CHECK(wrong.empty(), wrong.front());
    s.programs.push_back(std::make_shared<const ir::Program>(*std::move(program)));
  }
  return s;
}

std::string text(const Scenario& scenario) {
  std::string out = fmt::format("; shape {}\n", scenario.shape);
  for (const auto& p : scenario.programs) out += ir::print(*p) + "\n";
  return out;
}

namespace {

void set_attr(World& w, const Value& object, std::string_view name, Value value) {
  toy(object).contents.entries.emplace_back(w.interned(name), std::move(value));
}

// Makes the containers of a world, some of which hold or are each other.
class Furnisher {
 public:
  Furnisher(World& world, std::uint64_t shape) : w_(world), random_(shape) {}

  Value argument(std::string_view name) {
    switch (name[0]) {
      case 'l':
      case 'm':
        return list();
      case 'd':
        return dict();
      case 'o':
        return object();
      default:
        return w_.integer(below(4));
    }
  }
  void globals() {
    set_attr(w_, w_.globals, "g_n", w_.integer(below(4)));
    set_attr(w_, w_.globals, "g_l", list());
    set_attr(w_, w_.globals, "g_d", dict());
    set_attr(w_, w_.globals, "g_o", object());
    for (const auto& [name, program] : w_.programs)
      if (program->free_names.empty()) set_attr(w_, w_.globals, name, w_.function(program, {}));
  }

 private:
  std::int64_t below(std::uint64_t n) { return static_cast<std::int64_t>(random_() % n); }
  Value any() {
    if (below(3) != 0 || made_.empty()) return w_.integer(below(4));
    return made_[static_cast<std::size_t>(below(made_.size()))];
  }
  Value list() {
    if (!lists_.empty() && below(3) == 0) return lists_[static_cast<std::size_t>(below(lists_.size()))];
    std::vector<Value> items;
    for (std::int64_t i = 1 + below(3); i > 0; --i) items.push_back(any());
    lists_.push_back(w_.list(std::move(items)));
    return made_.emplace_back(lists_.back());
  }
  Value dict() {
    std::vector<std::pair<Value, Value>> entries;
    for (std::int64_t i = below(3); i > 0; --i) entries.emplace_back(w_.integer(i), any());
    return made_.emplace_back(w_.dict(std::move(entries)));
  }
  Value object() {
    Value o = w_.object();
    set_attr(w_, o, "x", w_.integer(below(4)));
    set_attr(w_, o, "y", below(2) == 0 ? list() : any());
    if (w_.programs.contains("method")) set_attr(w_, o, "f", w_.function(w_.programs.at("method"), {}));
    return made_.emplace_back(o);
  }

  World& w_;
  std::mt19937_64 random_;
  std::vector<Value> lists_, made_;
};

}  // namespace

Enter prepare(const Scenario& scenario, World& world) {
  for (const auto& p : scenario.programs) world.programs.emplace(p->name, p);
  Furnisher furnisher(world, scenario.shape);
  furnisher.globals();
  const ir::Program& main = *scenario.programs.front();
  Enter enter{scenario.programs.front(), {}};
  for (ir::SlotId i = 0; i < main.parameters.count(); ++i)
    enter.slots.push_back(furnisher.argument(main.slots[i]));
  return enter;
}

namespace {

// Numbers objects in the order in which they are met.
class Dump {
 public:
  std::string text;

  void add(const Value& given) {
    Value value = given;
    value.settle();
    if (!value.bound()) {
      text += "unbound";
    } else if (value.is_pending()) {
      text += "PENDING";
    } else if (is_atom(toy(value))) {
      Committed memory;
      text += describe(value, memory);
    } else if (const auto [known, added] = numbers_.try_emplace(&toy(value), numbers_.size()); !added) {
      text += fmt::format("&{}", known->second);
    } else {
      contents(toy(value), numbers_.size() - 1);
    }
  }

 private:
  void contents(const Toy& t, std::size_t number) {
    text += fmt::format("{}:{}{{{} ", number, static_cast<int>(t.type), t.text);
    for (const Value& v : t.contents.items) {
      add(v);
      text += ", ";
    }
    for (const auto& [key, v] : t.contents.entries) {
      add(key);
      text += ": ";
      add(v);
      text += ", ";
    }
    if (t.type == Type::kException) {
      text += fmt::format("trace [{}] context ", fmt::join(t.trace, " "));
      add(t.context);
      text += " cause ";
      add(t.cause);
    }
    text += "}";
  }

  std::map<const Toy*, std::size_t> numbers_;
};

}  // namespace

std::string state(const World& world, const Outcome& outcome, const std::vector<Value>& arguments) {
  Dump dump;
  dump.text = outcome.raised ? "raised " : "returned ";
  dump.add(outcome.value);
  dump.text += "\nglobals ";
  dump.add(world.globals);
  for (const Value& v : arguments) {
    dump.text += "\nargument ";
    dump.add(v);
  }
  return std::move(dump.text);
}

std::optional<Expected> expected(const Scenario& scenario, std::size_t most_steps) {
  World world;
  const Enter enter = prepare(scenario, world);
  Sequential sequential(world, most_steps);
  try {
    const Outcome outcome = sequential.call(enter);
    return Expected{state(world, outcome, enter.slots),
                    world.log,
                    {sequential.calls().begin(), sequential.calls().end()},
                    world.exceptions > 0};
  } catch (const TooLong&) {
    return std::nullopt;
  }
}

}  // namespace xcs::window::toy
