// Independent calls: what they are given, and what a journal or a cache knows them by.
#include <fmt/format.h>

#include "digest.h"
#include "host.h"
#include "http.h"
#include "llm.h"
#include "loop_executor.h"
#include "model_request.h"

namespace xcs::python {

namespace {

// REQUIRES: the arguments are ready
CallArguments arguments_of(const Arguments& arguments) {
  CallArguments all{checked(PyTuple_New(static_cast<Py_ssize_t>(arguments.positional.size()))), nb::dict()};
  for (std::size_t i = 0; i < arguments.positional.size(); ++i)
    PyTuple_SET_ITEM(all.positional.ptr(), static_cast<Py_ssize_t>(i),
                     Py_NewRef(object_of(arguments.positional[i])));
  for (const auto& [name, value] : arguments.keywords) all.keywords[name] = nb::borrow(object_of(value));
  return all;
}

}  // namespace

// Makes the arguments what they are at this place. Returns whether that can be told; otherwise `answer` says
// what the call waits for.
bool PythonHost::freeze(const Site& s, const Contract& contract, Flags flags, Arguments& arguments,
                        Action& answer) {
  // What a declared method does with `self` is part of its promise.
  Snapshot now(s.view, placeholders_, Depth::kArguments);
  std::vector<Value*> values;
  values.reserve(arguments.positional.size() + arguments.keywords.size());
  for (Value& v : arguments.positional) values.push_back(&v);
  for (auto& [name, v] : arguments.keywords) values.push_back(&v);
  for (Value* v : values) {
    const Obstacle o = now.add(object_of(*v));
    if (o == Obstacle::kNothing) continue;
    const bool given = o == Obstacle::kHeld || o == Obstacle::kUnknown;
    answer =
        given ? ordered(Reason::kArgumentObject, Effect::kNone, flags) : held_up(o, now.element(), flags);
    return false;
  }
  // What it answers may be something that its arguments hold, which has to be the very object.
  const bool hands_out = contract.returns != Contract::kData && contract.returns != Contract::kAtom;
  if (now.copied() && hands_out) {
    answer = ordered(Reason::kArgumentObject, Effect::kNone, flags);
    return false;
  }
  if (now.copied())
    for (Value* v : values) *v = steal_value(now.get(object_of(*v)));
  return true;
}

Action PythonHost::issue(const Site& s, PyObject* callee, const Contract& contract, Arguments arguments,
                         bool awaits) {
  const bool model = contract.run == Contract::kNative || contract.run == Contract::kEmbed;
  const bool native = !awaits && model && ModelCall::fits(arguments.positional, arguments.keywords);
  const Flags flags = native ? ModelCall::flags(contract.run, arguments.keywords) : contract.flags();
  if (const Value* pending = arguments.pending()) return needs_argument(s, *pending, flags, Effect::kNone);
  // It runs in a copy of the context as it is at its place.
  if (!s.view.quiet() && s.view.look_listed(address_of(context_variables())) != View::State::kClear)
    return ordered(Reason::kOrderedResource, Effect::kNone, flags);
  if (Action a = captures(s, callee, flags); !s.view.quiet() && a.verdict != Action::kDone) return a;
  if (Action a; !s.view.quiet() && !freeze(s, contract, flags, arguments, a)) return a;
  Action a;
  a.verdict = Action::kIssue;
  a.flags = flags;
  std::unique_ptr<HostCall> call;
  const Place place{&s.program, s.node.position};
  if (native) {
    call = ModelCall::make(contract.run, arguments.positional, arguments.keywords, handled_, place);
    if (call == nullptr) return raised();
  } else if (arguments.has_self && !awaits && is_adopted(object_of(arguments.positional[0]))) {
    call = std::make_unique<AdoptedCall>(nb::borrow(callee), arguments_of(arguments),
                                         handled_.ready() ? nb::borrow(object_of(handled_)) : nb::object(),
                                         place);
  } else if (awaits) {
    call =
        std::make_unique<AwaitedCall>(nb::borrow(callee), arguments.positional, arguments.keywords, handled_);
  } else {
    call =
        std::make_unique<PythonCall>(nb::borrow(callee), arguments.positional, arguments.keywords, handled_);
  }
  if (identifies_) identify(s, callee, native, arguments, *call);
  a.call = std::move(call);
  return a;
}

std::string site_of(const ir::Program& program, const ir::Position& position) {
  const std::string& file = program.file;
  return fmt::format("{}:{} {}", file.substr(file.rfind('/') + 1), position.line, program.qualname);
}

void PythonHost::identify(const Site& s, PyObject* callee, bool native, const Arguments& arguments,
                          HostCall& call) {
  call.site = site_of(s.program, s.node.position);
  static auto* callee_of = imported("xcs._identity", "callee_of").release().ptr();
  static auto* context_of = imported("xcs._identity", "context_of").release().ptr();
  const std::size_t first = arguments.has_self && !native ? 1 : 0;
  Digest digest;
  bool known = digest.add(nb::handle(callee_of)(nb::handle(callee)));
  if (first == 1) known = known && digest.add(nb::handle(object_of(arguments.positional[0])).type());
  for (const Value& v : std::span(arguments.positional).subspan(first))
    known = known && digest.add(object_of(v));
  for (const auto& [name, v] : arguments.keywords) {
    if (native && !says_what(name.ptr())) continue;
    known = known && digest.add(name) && digest.add(object_of(v));
  }
  if (native) add_addresses(digest);
  if (known) call.request = digest.finish();
  Digest context;
  const nb::object around =
      native ? nb::object(nb::none())
      : first == 1
          ? nb::handle(context_of)(nb::handle(callee), nb::handle(object_of(arguments.positional[0])))
          : nb::handle(context_of)(nb::handle(callee));
  if (known && context.add(around)) call.context = context.finish();
}

}  // namespace xcs::python
