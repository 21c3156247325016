// What is known of values that are not there yet; see Note [known values].
#pragma once

#include "iterate.h"

namespace xcs::python {

using window::KnownRef;

// What `object` is for code that will meet it: itself, or what it holds when only a walk has it. `inside`
// something that only a walk has, an object to which nothing else refers is only the walk's, too.
KnownRef describe_object(PyObject* object, bool inside, View& view);
// What a container holds at the view's place; of a dict `part`, where kItems means keys and values alike.
KnownRef describe_contents(PyObject* container, Part part, View& view, bool made = false);
// What one gets by iterating over it or by an index, at the view's place.
KnownRef items_of(const Value& value, Part part, View& view);
KnownRef items_of(const KnownRef& known, Part part, View& view);
// Whether it is data, or a builtin container of no matter what: its methods are builtin ones.
bool is_builtin(const Value& value, View& view);
// Whether what is known of a container that is not there yet stays true when the value is put into it. Of
// data it is known that it holds nothing but data.
bool may_hold(const Value& target, const Value& stored, View& view);
// Whether it is data and holds nothing else, at the view's place.
bool is_pure_data(const Value& value, View& view);
bool all_pure_data(std::span<const Value> values, View& view);
// Whether operators on it, and on all that it holds, run no code of the program's, now or when it is there.
bool is_data(const Value& value, View& view);
bool all_data(std::span<const Value> values, View& view);
// What an operator on builtin containers and data may give: data, or a new container of what they hold.
KnownRef combined(std::span<const Value> operands, View& view);
// What an expression of such operators, `and`, `or`, `if` and up to so many displays within each other may
// give: besides, one of the operands, or a container of them.
KnownRef made_of(std::span<const Value> operands, std::size_t displays, View& view);
// Whether none of them is an object that others may have.
bool all_new_data(std::span<const Value> values, View& view);
// Whether all that a list, tuple or set holds, or all values of a dict, are atoms at the view's place.
bool holds_atoms(const Value& container, View& view);
// What a builtin that is called with `arguments` gives, as far as that follows from what they hold.
struct KnownResult {
  KnownRef known;
  bool atom = false;
};
KnownResult result_of(PyObject* callee, std::span<const Value> arguments, View& view);
// A value of the dict, or what stands for one that is missing.
KnownResult value_or(const Value& dict, const Value& fallback, View& view);
// The action, when its result while it is not there is what `result` says.
Action with_result(Action a, KnownResult result);
// What the value may be.
KnownRef known_of(const Value& value, View& view);

}  // namespace xcs::python
