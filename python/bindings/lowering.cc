#include "lowering.h"

#include <nanobind/stl/shared_ptr.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>

#include <string>
#include <utility>
#include <vector>

#include "ir/ops.h"
#include "ir/printer.h"
#include "ir/verifier.h"
#include "lower/lower.h"
#include "lower/refusal.h"
#include "objects.h"
#include "syntax.h"

namespace nb = nanobind;

namespace xcs::python {
namespace {

using ProgramPtr = std::shared_ptr<const ir::Program>;

// kNone is None in Python.
nb::object index_of(ir::Index index) { return index == ir::kNone ? nb::none() : nb::object(nb::int_(index)); }

template <class Items>
nb::list indices_of(const Items& items) {
  nb::list all;
  for (ir::Index i : items) all.append(index_of(i));
  return all;
}

nb::object position_of(const ir::Position& p) {
  return nb::make_tuple(p.line, p.column, p.end_line, p.end_column);
}

nb::dict dict_of(const ir::Node& n) {
  nb::dict d;
  d["op"] = nb::str(ir::info(n.op).word.data(), ir::info(n.op).word.size());
  d["dest"] = index_of(n.dest);
  d["index"] = index_of(n.index);
  d["args"] = indices_of(n.args);
  d["position"] = position_of(n.position);
  return d;
}

nb::dict dict_of(const ir::Region& r) {
  nb::dict d;
  nb::list nodes;
  for (const ir::Node& n : r.nodes) nodes.append(dict_of(n));
  d["nodes"] = nodes;
  d["assigned"] = indices_of(r.assigned);
  return d;
}

nb::dict dict_of(const ir::If& i) {
  nb::dict d;
  d["then_region"] = index_of(i.then_region);
  d["else_region"] = index_of(i.else_region);
  d["whole"] = index_of(i.whole);
  return d;
}

nb::dict dict_of(const ir::Loop& l) {
  nb::dict d;
  d["head"] = index_of(l.head);
  d["condition"] = index_of(l.condition);
  d["item"] = index_of(l.item);
  d["body"] = index_of(l.body);
  d["orelse"] = index_of(l.orelse);
  d["whole"] = index_of(l.whole);
  return d;
}

nb::dict dict_of(const ir::Try& t) {
  nb::dict d;
  nb::list handlers;
  for (const ir::Handler& h : t.handlers)
    handlers.append(nb::make_tuple(index_of(h.test), index_of(h.caught), index_of(h.body)));
  d["body"] = index_of(t.body);
  d["exception"] = index_of(t.exception);
  d["handlers"] = handlers;
  d["orelse"] = index_of(t.orelse);
  d["final_region"] = index_of(t.final_region);
  d["final_on_exception"] = t.final_on_exception;
  d["whole"] = index_of(t.whole);
  return d;
}

nb::dict dict_of(const ir::CallShape& c) {
  constexpr const char* kKinds[] = {"positional", "star", "keyword", "double_star"};
  nb::dict d;
  nb::list args;
  for (const ir::Arg& a : c.args)
    args.append(nb::make_tuple(kKinds[static_cast<int>(a.kind)], index_of(a.name)));
  d["method"] = index_of(c.method);
  d["args"] = args;
  return d;
}

nb::dict dict_of(const ir::Unpack& u) {
  nb::dict d;
  d["dests"] = indices_of(u.dests);
  d["star"] = index_of(u.star);
  return d;
}

nb::dict dict_of(const ir::Fragment& f) {
  nb::dict d;
  d["kind"] = nb::str(ir::name(f.kind).data(), ir::name(f.kind).size());
  d["syntax"] = index_of(f.syntax);
  d["holes"] = indices_of(f.holes);
  d["operands"] = f.operands;
  d["keys"] = indices_of(f.keys);
  d["text"] = f.text;
  return d;
}

nb::dict dict_of(const ir::Statement& s) {
  nb::dict d;
  d["syntax"] = index_of(s.syntax);
  d["inputs"] = indices_of(s.inputs);
  d["input_names"] = s.input_names;
  d["outputs"] = indices_of(s.outputs);
  d["output_names"] = s.output_names;
  d["cells"] = indices_of(s.cells);
  d["cell_names"] = s.cell_names;
  d["reason"] = index_of(s.reason);
  return d;
}

nb::dict dict_of(const ir::FunctionTemplate& f) {
  nb::dict d;
  d["syntax"] = index_of(f.syntax);
  d["name"] = f.name;
  d["qualname"] = f.qualname;
  d["defaults"] = f.defaults;
  d["keyword_defaults"] = f.keyword_defaults;
  d["keyword_names"] = f.keyword_names;
  d["cells"] = f.cells;
  return d;
}

template <class Items>
nb::list dicts_of(const Items& items) {
  nb::list all;
  for (const auto& item : items) all.append(dict_of(item));
  return all;
}

// All of the program as plain data, for tests that run it.
nb::dict program_to_dict(const ir::Program& p) {
  nb::dict d;
  d["name"] = p.name;
  d["qualname"] = p.qualname;
  d["parameters"] = nb::make_tuple(p.parameters.positional_only, p.parameters.positional,
                                   p.parameters.keyword_only, p.parameters.star, p.parameters.double_star);
  d["free_names"] = p.free_names;
  d["slots"] = p.slots;
  d["body"] = p.body;
  d["generator"] = p.generator;
  d["refusal"] = p.refusal;
  d["names"] = p.names;
  d["constants"] = indices_of(p.constants);
  d["regions"] = dicts_of(p.regions);
  d["fragments"] = dicts_of(p.fragments);
  d["calls"] = dicts_of(p.calls);
  d["unpacks"] = dicts_of(p.unpacks);
  d["statements"] = dicts_of(p.statements);
  d["ifs"] = dicts_of(p.ifs);
  d["loops"] = dicts_of(p.loops);
  d["tries"] = dicts_of(p.tries);
  d["functions"] = dicts_of(p.functions);
  d["reasons"] = p.reasons;
  return d;
}

lower::Origin origin_of(nb::handle captured) {
  lower::Origin origin;
  origin.qualname = nb::cast<std::string>(captured.attr("qualname"));
  origin.file = nb::cast<std::string>(captured.attr("file"));
  origin.free_names = nb::cast<std::vector<std::string>>(captured.attr("free_names"));
  origin.frame_lookers = nb::cast<std::vector<std::string>>(captured.attr("frame_lookers"));
  origin.generator = nb::cast<bool>(captured.attr("generator"));
  origin.debug = nb::cast<bool>(captured.attr("debug"));
  origin.asks_again = nb::cast<bool>(captured.attr("asks_again"));
  origin.future_annotations = nb::cast<bool>(captured.attr("future_annotations"));
  origin.lazy_annotations = PY_VERSION_HEX >= 0x030E0000;
  return origin;
}

// Lowers what capture() found out about a function.
nb::tuple lower_captured(nb::handle captured) {
  Converted converted =
      convert(captured.attr("node"), nb::cast<std::string>(captured.attr("class_name")),
              nb::cast<std::string>(captured.attr("source")), nb::cast<int>(captured.attr("first_line")));
  auto program = std::make_shared<const ir::Program>(lower::lower(converted.syntax, 0, origin_of(captured)));
  return nb::make_tuple(nb::cast(std::move(program)), converted.nodes);
}

nb::list refusals() {
  nb::list all;
  for (const lower::Refusal& r : lower::refusals())
    all.append(nb::make_tuple(std::string(r.code), std::string(r.explanation)));
  return all;
}

}  // namespace

Lowered lower_function(nb::handle function) {
  return lower_captured_function(imported("xcs._capture", "capture")(function));
}

Lowered lower_captured_function(const nb::object& captured) {
  const nb::tuple made = lower_captured(captured);
  nb::object fragments = imported("xcs._fragments", "Fragments")(made[0], made[1], captured);
  return {nb::cast<ProgramPtr>(made[0]), std::move(fragments)};
}

void bind_lowering(nb::module_& module) {
  nb::class_<ir::Program>(module, "Program", "A lowered function.")
      .def_ro("name", &ir::Program::name)
      .def_ro("qualname", &ir::Program::qualname)
      .def_ro("refusal", &ir::Program::refusal, "Why the function runs whole, in order, or ''.")
      .def_ro("reasons", &ir::Program::reasons, "Why single statements run in order.")
      .def("text", &ir::print, "The program in its text form.")
      .def("problems", &ir::verify, "What is wrong with the program; empty when nothing is.")
      .def("to_dict", &program_to_dict, "The program as plain data.")
      .def("constant", [](const ir::Program& p, ir::Index i) { return index_of(p.constants.at(i)); })
      .def_prop_ro("fragment_count", [](const ir::Program& p) { return p.fragments.size(); })
      .def("fragment", [](const ir::Program& p, ir::Index i) { return dict_of(p.fragments.at(i)); })
      .def("statement", [](const ir::Program& p, ir::Index i) { return dict_of(p.statements.at(i)); })
      .def("function", [](const ir::Program& p, ir::Index i) { return dict_of(p.functions.at(i)); });
  module.def("lower_captured", &lower_captured,
             "The program of a captured function, and its syntax nodes by number.");
  module.def("refusals", &refusals, "Codes of what is not lowered, each with its explanation.");
}

}  // namespace xcs::python
