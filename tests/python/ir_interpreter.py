"""Runs a lowered program line by line: what the program means, without any engine.

Every node is carried out by the Python operation it stands for, as soon as it is reached. Comparing this with the
function itself is how lowering is tested.
"""

from __future__ import annotations

import ast
import inspect
import sys
from collections.abc import Callable, Iterator
from types import CellType, FunctionType
from typing import Any

from xcs._capture import capture
from xcs._core import lower_captured
from xcs._fragments import UNBOUND, Fragments

Signal = tuple[str, Any] | None  # how control leaves a region: ("return", value), ("break", None), ...
_WITH_MESSAGE = "'{}' object does not support the context manager protocol"


class Refused(Exception):
    """The function has to run whole."""


class Interpreted:
    """A function that runs through its program.

    Args:
        function: The function to lower.
        whole: Whether regions that exist as one statement are run as that statement.
    """

    def __init__(self, function: FunctionType, *, whole: bool = False) -> None:
        captured = capture(function)
        program, nodes = lower_captured(captured)
        if program.refusal:
            raise Refused(program.refusal)
        problems = program.problems()
        if problems:
            raise AssertionError(f"{function.__qualname__}: {problems}\n{program.text()}")
        self.function = function
        self.program = program.to_dict()
        self.fragments = Fragments(program, nodes, captured)
        self.whole = whole
        self.made: dict[tuple[str, int], Any] = {}

    def get(self, kind: str, index: int) -> Any:
        key = (kind, index)
        if key not in self.made:
            self.made[key] = getattr(self.fragments, kind)(index)
        return self.made[key]

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        kind = _Activation if self.program["generator"] else _PlainActivation
        return kind(self, self._bind(args, kwargs)).run()

    def _bind(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> list[Any]:
        parameters = [*inspect.signature(self.function, follow_wrapped=False).parameters.values()]
        if not parameters and not args and not kwargs:
            return []
        bound = inspect.signature(self.function, follow_wrapped=False).bind(*args, **kwargs)
        bound.apply_defaults()
        kinds = inspect.Parameter
        order = [p for p in parameters if p.kind in (kinds.POSITIONAL_ONLY, kinds.POSITIONAL_OR_KEYWORD)]
        order += [p for p in parameters if p.kind is kinds.KEYWORD_ONLY]
        order += [p for p in parameters if p.kind is kinds.VAR_POSITIONAL]
        order += [p for p in parameters if p.kind is kinds.VAR_KEYWORD]
        return [bound.arguments[p.name] for p in order]


class _Activation:
    def __init__(self, owner: Interpreted, arguments: list[Any]) -> None:
        self.owner = owner
        self.program = owner.program
        self.globals = owner.function.__globals__
        self.slots = [UNBOUND] * len(self.program["slots"])
        self.slots[: len(arguments)] = arguments
        self.first_free = len(arguments)
        closure = owner.function.__closure__ or ()
        self.slots[self.first_free : self.first_free + len(closure)] = closure
        self.free_end = self.first_free + len(closure)

    def run(self) -> Iterator[Any]:
        signal = yield from self.region(self.program["body"])
        assert signal is not None
        assert signal[0] == "return"
        return signal[1]

    def region(self, index: int | None) -> Iterator[Any]:
        if index is None:
            return None
        for node in self.program["regions"][index]["nodes"]:
            op = node["op"]
            structured = getattr(self, f"do_{op}", None)
            if structured is not None:
                signal = yield from structured(node)
                if signal is not None:
                    return signal
                continue
            result = getattr(self, f"op_{op}")(node, *[self.read(slot) for slot in node["args"]])
            if node["dest"] is not None:
                self.slots[node["dest"]] = result
        return None

    def read(self, slot: int) -> Any:
        value = self.slots[slot]
        if value is UNBOUND:
            name = self.program["slots"][slot]
            if sys.version_info >= (3, 11):
                raise UnboundLocalError(
                    f"cannot access local variable '{name}' where it is not associated with a value"
                )
            raise UnboundLocalError(f"local variable '{name}' referenced before assignment")
        return value

    def name(self, node: dict[str, Any]) -> str:
        return self.program["names"][node["index"]]

    # Exits.

    def do_return(self, node: dict[str, Any]) -> Iterator[Any]:
        return ("return", self.read(node["args"][0]))
        yield

    def do_break(self, node: dict[str, Any]) -> Iterator[Any]:
        return ("break", None)
        yield

    def do_continue(self, node: dict[str, Any]) -> Iterator[Any]:
        return ("continue", None)
        yield

    def do_yield(self, node: dict[str, Any]) -> Iterator[Any]:
        sent = yield self.read(node["args"][0])
        if node["dest"] is not None:
            self.slots[node["dest"]] = sent
        return None

    def op_raise(self, node: dict[str, Any], exception: Any, *cause: Any) -> None:
        if cause:
            raise exception from cause[0]
        raise exception

    def op_reraise(self, node: dict[str, Any]) -> None:
        raise

    # Regions.

    def run_whole(self, index: int) -> None:
        spec = self.program["statements"][index]
        statement = self.owner.get("statement", index)
        run = statement.bound(tuple(self.slots[s] for s in spec["cells"]))
        left: list[dict[str, Any]] = []
        try:
            run(locals, left.append, UNBOUND, *(self.slots[s] for s in spec["inputs"]))
        finally:
            for slot, value in zip(spec["outputs"], statement.outputs(left), strict=True):
                self.slots[slot] = value

    def do_statement(self, node: dict[str, Any]) -> Iterator[Any]:
        self.run_whole(node["index"])
        return None
        yield

    def do_if(self, node: dict[str, Any]) -> Iterator[Any]:
        spec = self.program["ifs"][node["index"]]
        condition = self.read(node["args"][0])
        if self.owner.whole and spec["whole"] is not None:
            return self.run_whole(spec["whole"])
        return (yield from self.region(spec["then_region"] if condition else spec["else_region"]))

    def do_loop(self, node: dict[str, Any]) -> Iterator[Any]:
        spec = self.program["loops"][node["index"]]
        if self.owner.whole and spec["whole"] is not None:
            return self.run_whole(spec["whole"])
        iterator = self.read(node["args"][0]) if node["args"] else None
        while True:
            if spec["head"] is not None:
                yield from self.region(spec["head"])
                if not self.read(spec["condition"]):
                    break
            else:
                try:
                    item = next(iterator)
                except StopIteration:
                    break
                self.slots[spec["item"]] = item
            signal = yield from self.region(spec["body"])
            if signal is None or signal[0] == "continue":
                continue
            return None if signal[0] == "break" else signal
        return (yield from self.region(spec["orelse"]))

    def do_try(self, node: dict[str, Any]) -> Iterator[Any]:
        spec = self.program["tries"][node["index"]]
        if self.owner.whole and spec["whole"] is not None:
            return self.run_whole(spec["whole"])
        if not spec["final_on_exception"]:
            return (yield from self.try_with(spec))
        try:
            signal = yield from self.try_handlers(spec)
        finally:
            final = yield from self.region(spec["final_region"])
            if final is not None:
                return final
        return signal

    def try_handlers(self, spec: dict[str, Any]) -> Iterator[Any]:
        try:
            signal = yield from self.region(spec["body"])
        except BaseException as error:  # noqa: BLE001 - handlers decide what is caught
            return (yield from self.handle(spec, error))
        if signal is None:
            signal = yield from self.region(spec["orelse"])
        return signal

    def handle(self, spec: dict[str, Any], error: BaseException) -> Iterator[Any]:
        if spec["exception"] is not None:
            self.slots[spec["exception"]] = error
        for test, caught, body in spec["handlers"]:
            if test is not None:
                yield from self.region(test)
            if test is None or self.read(caught):
                return (yield from self.region(body))
        raise

    def try_with(self, spec: dict[str, Any]) -> Iterator[Any]:
        try:
            signal = yield from self.region(spec["body"])
        except BaseException as error:  # noqa: BLE001 - handlers decide what is caught
            return (yield from self.handle(spec, error))
        final = yield from self.region(spec["final_region"])
        return signal if final is None else final

    # Values.

    def op_const(self, node: dict[str, Any]) -> Any:
        return self.owner.get("constant", node["index"])

    def op_move(self, node: dict[str, Any], value: Any) -> Any:
        return value

    def op_eval(self, node: dict[str, Any], *operands: Any) -> Any:
        return self.owner.get("fragment", node["index"])(*operands)

    op_inplace = op_eval

    def op_function(self, node: dict[str, Any], *args: Any) -> Any:
        spec = self.program["functions"][node["index"]]
        code, annotated, annotations = self.owner.get("function", node["index"])
        count, keyword_count = spec["defaults"], spec["keyword_defaults"]
        cells = args[len(args) - len(spec["cells"]) :]
        made = FunctionType(code, self.globals, spec["name"], args[:count] or None, cells)
        keyword_defaults = dict(zip(spec["keyword_names"], args[count : count + keyword_count], strict=True))
        made.__kwdefaults__ = keyword_defaults or None
        made.__qualname__ = spec["qualname"]
        values = args[count + keyword_count : len(args) - len(spec["cells"])]
        made.__annotations__ = {**annotations, **dict(zip(annotated, values, strict=True))}
        return made

    def op_cell(self, node: dict[str, Any], *value: Any) -> CellType:
        return CellType(*value)

    def do_unbind(self, node: dict[str, Any]) -> Iterator[Any]:
        self.read(node["args"][0])
        self.slots[node["args"][0]] = UNBOUND
        return None
        yield

    # Memory.

    def op_load_global(self, node: dict[str, Any]) -> Any:
        name = self.name(node)
        for namespace in (self.globals, self.globals["__builtins__"]):
            if not isinstance(namespace, dict):
                namespace = vars(namespace)
            if name in namespace:
                return namespace[name]
        raise NameError(f"name '{name}' is not defined")

    def op_store_global(self, node: dict[str, Any], value: Any) -> None:
        self.globals[self.name(node)] = value

    def op_delete_global(self, node: dict[str, Any]) -> None:
        if self.name(node) not in self.globals:
            raise NameError(f"name '{self.name(node)}' is not defined")
        del self.globals[self.name(node)]

    def op_load_cell(self, node: dict[str, Any], cell: CellType) -> Any:
        try:
            return cell.cell_contents
        except ValueError:
            pass
        raise self.empty_cell(node)

    def empty_cell(self, node: dict[str, Any]) -> NameError:
        name, new = self.name(node), sys.version_info >= (3, 11)
        if self.first_free <= node["args"][0] < self.free_end:
            text = (
                "cannot access free variable '{}' where it is not associated with a value in enclosing scope"
            )
            old = "free variable '{}' referenced before assignment in enclosing scope"
            return NameError((text if new else old).format(name))
        text = "cannot access local variable '{}' where it is not associated with a value"
        return UnboundLocalError(
            (text if new else "local variable '{}' referenced before assignment").format(name)
        )

    def op_store_cell(self, node: dict[str, Any], cell: CellType, value: Any) -> None:
        cell.cell_contents = value

    def op_delete_cell(self, node: dict[str, Any], cell: CellType) -> None:
        self.op_load_cell(node, cell)
        del cell.cell_contents

    def op_load_attr(self, node: dict[str, Any], obj: Any) -> Any:
        return getattr(obj, self.name(node))

    def op_store_attr(self, node: dict[str, Any], obj: Any, value: Any) -> None:
        setattr(obj, self.name(node), value)

    def op_delete_attr(self, node: dict[str, Any], obj: Any) -> None:
        delattr(obj, self.name(node))

    def op_load_item(self, node: dict[str, Any], obj: Any, key: Any) -> Any:
        return obj[key]

    def op_store_item(self, node: dict[str, Any], obj: Any, key: Any, value: Any) -> None:
        obj[key] = value

    def op_delete_item(self, node: dict[str, Any], obj: Any, key: Any) -> None:
        del obj[key]

    def op_contains(self, node: dict[str, Any], item: Any, obj: Any) -> bool:
        return (item not in obj) if node["index"] == 1 else (item in obj)

    def op_truth(self, node: dict[str, Any], value: Any) -> bool:
        return (not value) if node["index"] == 1 else bool(value)

    def op_append(self, node: dict[str, Any], target: list[Any], value: Any) -> None:
        target.append(value)

    def op_add(self, node: dict[str, Any], target: set[Any], value: Any) -> None:
        target.add(value)

    # Calls and iteration.

    def arguments(self, shape: dict[str, Any], values: tuple[Any, ...]) -> tuple[list[Any], dict[str, Any]]:
        positional: list[Any] = []
        keywords: dict[str, Any] = {}
        for (kind, name), value in zip(shape["args"], values, strict=True):
            if kind == "positional":
                positional.append(value)
            elif kind == "star":
                positional.extend(value)
            elif kind == "keyword":
                keywords[self.program["names"][name]] = value
            else:
                keywords = (lambda **k: k)(**keywords, **value)
        return positional, keywords

    def op_call(self, node: dict[str, Any], callee: Any, *values: Any) -> Any:
        shape = self.program["calls"][node["index"]]
        kinds = {kind for kind, _ in shape["args"]}
        if kinds == {"star"} and len(values) == 1:
            return callee(*values[0])
        positional, keywords = self.arguments(shape, values)
        return callee(*positional, **keywords)

    def op_call_method(self, node: dict[str, Any], obj: Any, *values: Any) -> Any:
        shape = self.program["calls"][node["index"]]
        method = getattr(obj, self.program["names"][shape["method"]])
        positional, keywords = self.arguments(shape, values)
        return method(*positional, **keywords)

    def op_special(self, node: dict[str, Any], manager: Any, *exception: Any) -> Any:
        kind = type(manager)
        if self.name(node) == "__enter__":
            if not hasattr(kind, "__enter__"):
                raise TypeError(_WITH_MESSAGE.format(kind.__name__))
            if not hasattr(kind, "__exit__"):
                raise TypeError(_WITH_MESSAGE.format(kind.__name__) + " (missed __exit__ method)")
            return kind.__enter__(manager)
        if exception:
            error = exception[0]
            return kind.__exit__(manager, type(error), error, error.__traceback__)
        return kind.__exit__(manager, None, None, None)

    def op_iter(self, node: dict[str, Any], value: Any) -> Any:
        return iter(value)

    def do_unpack(self, node: dict[str, Any]) -> Iterator[Any]:
        spec = self.program["unpacks"][node["index"]]
        items = _unpacker(len(spec["dests"]), spec["star"])(self.read(node["args"][0]))
        for slot, item in zip(spec["dests"], items, strict=True):
            self.slots[slot] = item
        return None
        yield

    def op_match_exception(self, node: dict[str, Any], error: BaseException, caught: Any) -> bool:
        for kind in caught if isinstance(caught, tuple) else (caught,):
            if not (isinstance(kind, type) and issubclass(kind, BaseException)):
                raise TypeError("catching classes that do not inherit from BaseException is not allowed")
        return isinstance(error, caught)


class _WithoutYields(ast.NodeTransformer):
    def visit_YieldFrom(self, node: ast.YieldFrom) -> ast.AST:
        return self.visit(node.value)

    def visit_Yield(self, node: ast.Yield) -> ast.AST:
        return ast.copy_location(ast.Constant(None), node)


def _without_yields(kind: type) -> Any:
    """The class with plain methods for generators: StopIteration may leave them, and they are no generators."""
    tree = _WithoutYields().visit(ast.parse(inspect.getsource(kind)))
    namespace = dict(globals())
    exec(compile(tree, __file__, "exec"), namespace)
    return namespace[kind.__name__]


_unpackers: dict[tuple[int, int | None], Callable[[Any], list[Any]]] = {}


def _unpacker(count: int, star: int | None) -> Callable[[Any], list[Any]]:
    key = (count, star)
    if key not in _unpackers:
        names = [f"v{i}" for i in range(count)]
        targets = ", ".join("*" + n if i == star else n for i, n in enumerate(names))
        target = f"({targets},)" if names else "()"
        namespace: dict[str, Any] = {}
        exec(f"def unpack(value):\n    {target} = value\n    return [{', '.join(names)}]", namespace)
        _unpackers[key] = namespace["unpack"]
    return _unpackers[key]


_PlainActivation = _without_yields(_Activation)
