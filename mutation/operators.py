"""From the source of one module to its mutants: what is changed, and what is left alone. Nothing is run here.

Left alone: docstrings, annotations, type aliases, `__all__`, `__slots__`, how a class is stored or cached (decorators, but
for `frozen`), and sentences for people: errors are told apart by class and code, and their words may change.
"""

from __future__ import annotations

import ast
import copy
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from enum import Enum
from typing import Any, Final

__all__ = ["Mutant", "Place", "Scope", "apply", "mutants_of"]

_SENTENCE: Final = re.compile(r"[A-Za-z]{2,}[^A-Za-z]* [^A-Za-z]*[A-Za-z]{2,}")
"""Two words with a space between: text for people. Names in a protocol have no spaces."""

_LABELS: Final = frozenset({"what", "whose", "why", "common_name"})
"""Names of arguments that go into sentences and nowhere else."""

_STORED: Final = frozenset({"slots", "repr", "kw_only"})
"""Arguments of `dataclass` that say how a value is stored, shown and made."""

_SHOWN: Final = 200
"""Characters of code in a report and in the list of survivors."""

_COMPARED: Final[dict[type[ast.cmpop], type[ast.cmpop]]] = {
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.Lt: ast.LtE,
    ast.LtE: ast.Lt,
    ast.Gt: ast.GtE,
    ast.GtE: ast.Gt,
    ast.Is: ast.IsNot,
    ast.IsNot: ast.Is,
    ast.In: ast.NotIn,
    ast.NotIn: ast.In,
}
_ORDERED: Final = (ast.Lt, ast.LtE, ast.Gt, ast.GtE)

_CALCULATED: Final[dict[type[ast.operator], type[ast.operator]]] = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.FloorDiv,
    ast.FloorDiv: ast.Mult,
    ast.Mod: ast.Mult,
    ast.BitAnd: ast.BitOr,
    ast.BitOr: ast.BitAnd,
    ast.LShift: ast.RShift,
    ast.RShift: ast.LShift,
}
_FUNCTIONS: Final = {"any": "all", "all": "any", "min": "max", "max": "min", "sorted": "list"}
_METHODS: Final = {"startswith": "endswith", "endswith": "startswith", "fullmatch": "match"}
_DROPPED: Final = frozenset({"strip", "lower", "casefold"})
_QUANTIFIER: Final = re.compile(r"(?<=[\])])[+*]|\{\d+(?:,\d+)?\}")


class Scope(Enum):
    """When the changed code runs."""

    CALL = "call"
    """In a function: the function's code can be exchanged where it stands."""
    IMPORT = "import"
    """When the module is imported: everything that imports it has to be imported anew."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where a mutant is.

    Attributes:
        module: Name of the module behind `nlgov_jades.`, such as `pki.crl`.
        function: Qualified name of the function or class, or `<module>`.
        outermost: Qualified name of the function whose code holds it; empty for `Scope.IMPORT`.
        line: Where the changed code begins.
        text: That line, stripped: what a list of survivors knows it by.
        lines: Ranges of lines to look for tests that run it, the narrowest first.
    """

    module: str
    function: str
    outermost: str
    line: int
    text: str
    lines: tuple[tuple[int, int], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Mutant:
    """One change to one module.

    Attributes:
        place: Where it is.
        operator: Which kind of change.
        before: The code that is changed.
        after: What it becomes.
        path: From the root of the tree to the node: names of fields, and positions in lists.
        node: What stands there instead.
        nth: Which of several mutants that look alike, in the order of the source: 1 and up.
    """

    place: Place
    operator: str
    before: str
    after: str
    path: tuple[str | int, ...]
    node: ast.AST
    nth: int = 1

    @property
    def scope(self) -> Scope:
        """When it runs."""
        return Scope.CALL if self.place.outermost else Scope.IMPORT

    @property
    def change(self) -> str:
        """The change in one line: with the place, what a list of survivors knows it by."""
        nth = f" (number {self.nth})" if self.nth > 1 else ""
        return f"{self.operator}: {self.before} -> {self.after}{nth}"


def apply(tree: ast.Module, mutant: Mutant) -> ast.Module:
    """A copy of the tree with the change in it."""
    changed = copy.deepcopy(tree)
    parent: Any = changed
    for step in mutant.path[:-1]:
        parent = parent[step] if isinstance(step, int) else getattr(parent, step)
    last = mutant.path[-1]
    old = parent[last] if isinstance(last, int) else getattr(parent, last)
    new: Any = copy.deepcopy(mutant.node)
    if "lineno" in getattr(old, "_attributes", ()):
        for node in ast.walk(new):
            ast.copy_location(node, old)
    if isinstance(last, int):
        parent[last] = new
    else:
        setattr(parent, last, new)
    return ast.fix_missing_locations(changed)


@dataclass(frozen=True, slots=True)
class _Context:
    """What surrounds a node."""

    names: tuple[str, ...] = ()
    outermost: str = ""
    inside: tuple[int, int] | None = None
    statement: tuple[int, int] | None = None
    message: bool = False


class _Finder:
    """Walks over one module."""

    def __init__(self, module: str, source: str, names: dict[str, object]) -> None:
        self.module = module
        self.source_lines = source.splitlines()
        self.names = names
        self.errors = sorted(_errors(names))

    def walk(self, node: ast.AST, path: tuple[str | int, ...], context: _Context) -> Iterator[Mutant]:
        if _is_left_alone(node, self.names):
            return
        context = self._entered(node, context)
        if isinstance(node, ast.JoinedStr) and (context.message or _is_sentence(node)):
            return
        for operator, target, field, new in self._changes(node, context):
            where = path if field is None else (*path, *field)
            yield self._mutant(operator, target, new, where, context)
        for field_name, value in ast.iter_fields(node):
            if field_name in {"annotation", "returns", "type_params", "ctx", "op", "ops"}:
                continue
            below = self._below(node, field_name, context)
            if isinstance(value, ast.AST):
                yield from self.walk(value, (*path, field_name), below)
            elif isinstance(value, list):
                for position, item in enumerate(value):
                    if isinstance(item, ast.AST):
                        yield from self.walk(item, (*path, field_name, position), below)

    def _entered(self, node: ast.AST, context: _Context) -> _Context:
        if isinstance(node, ast.stmt):
            head = node.lineno, _end_of_head(node)
            context = replace(context, statement=head)
        if isinstance(node, ast.Raise) or (isinstance(node, ast.Call) and _name_of(node.func).endswith("Error")):
            context = replace(context, message=True)
        if isinstance(node, ast.keyword) and node.arg in _LABELS:
            context = replace(context, message=True)
        return context

    def _below(self, node: ast.AST, field: str, context: _Context) -> _Context:
        if isinstance(node, ast.ClassDef) and field == "body":
            return replace(context, names=(*context.names, node.name))
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)) and field == "body":
            names = (*context.names, node.name)
            outermost = context.outermost or ".".join(names)
            return replace(
                context, names=names, outermost=outermost, inside=(node.lineno, node.end_lineno or node.lineno)
            )
        return context

    def _mutant(
        self, operator: str, target: ast.AST, new: ast.AST, path: tuple[str | int, ...], context: _Context
    ) -> Mutant:
        own = target.lineno, target.end_lineno  # type: ignore[attr-defined]  # every target has a position
        place = Place(
            module=self.module,
            function=".".join(context.names) or "<module>",
            outermost=context.outermost,
            line=own[0],
            text=self.source_lines[own[0] - 1].strip(),
            lines=tuple(span for span in (own, context.statement, context.inside) if span is not None),
        )
        return Mutant(place=place, operator=operator, before=_shown(target), after=_shown(new), path=path, node=new)

    def _changes(
        self, node: ast.AST, context: _Context
    ) -> Iterator[tuple[str, ast.AST, tuple[str | int, ...] | None, ast.AST]]:
        """Operator, the node it is about, where below `node` the new one goes, and the new one."""
        if isinstance(node, ast.stmt):
            yield from ((name, node, None, new) for name, new in self._statements(node))
        if isinstance(node, ast.expr):
            yield from ((name, node, None, new) for name, new in self._expressions(node, context))
        if isinstance(node, (ast.If, ast.While, ast.IfExp)) and _worth_negating(node.test):
            yield "negate", node.test, ("test",), ast.UnaryOp(ast.Not(), node.test)
        if isinstance(node, ast.comprehension):
            for position, test in enumerate(node.ifs):
                if _worth_negating(test):
                    yield "negate", test, ("ifs", position), ast.UnaryOp(ast.Not(), test)
        if isinstance(node, ast.ExceptHandler) and node.type is not None:
            yield "catch nothing", node.type, ("type",), ast.Tuple([], ast.Load())
            if isinstance(node.type, ast.Tuple):
                for position in range(len(node.type.elts)):
                    yield "catch less", node.type, ("type",), _without(node.type, position)

    def _statements(self, node: ast.stmt) -> Iterator[tuple[str, ast.stmt]]:
        if isinstance(node, ast.Return):
            if node.value is None:
                yield "delete", ast.Pass()
            elif not _is_none(node.value):
                yield "return None", ast.Return(ast.Constant(None))
        elif isinstance(node, ast.Raise):
            yield "delete raise", ast.Pass()
            if isinstance(node.exc, ast.Call) and isinstance(node.exc.func, ast.Name) and not node.exc.keywords:
                yield from self._other_errors(node, node.exc, node.exc.func.id)
        elif isinstance(node, (ast.Continue, ast.Break)):
            yield "delete", ast.Pass()
            yield ("break", ast.Break()) if isinstance(node, ast.Continue) else ("continue", ast.Continue())
        elif isinstance(node, (ast.AugAssign, ast.Expr)) or _changes_what_others_see(node):
            yield "delete", ast.Pass()
        if isinstance(node, ast.AugAssign) and type(node.op) in _CALCULATED:
            yield "calculate", ast.AugAssign(node.target, _CALCULATED[type(node.op)](), node.value)

    def _other_errors(self, node: ast.Raise, call: ast.Call, name: str) -> Iterator[tuple[str, ast.stmt]]:
        if name in self.errors and len(self.errors) > 1:
            other = self.errors[(self.errors.index(name) + 1) % len(self.errors)]
            yield "other error", ast.Raise(ast.Call(ast.Name(other, ast.Load()), call.args, []), node.cause)

    def _expressions(self, node: ast.expr, context: _Context) -> Iterator[tuple[str, ast.expr]]:
        match node:
            case ast.Compare(ops=ops):
                for position, operator in enumerate(ops):
                    changed = copy.copy(node)
                    changed.ops = [*ops[:position], _COMPARED[type(operator)](), *ops[position + 1 :]]
                    yield "compare", changed
            case ast.BoolOp():
                yield from _booleans(node)
            case ast.UnaryOp(op=ast.Not(), operand=operand):
                yield "drop not", operand
            case ast.BinOp():
                yield from _calculations(node)
            case ast.Constant():
                yield from _constants(node, context)
            case ast.Call():
                yield from self._calls(node)
            case ast.Attribute():
                yield from self._members(node)
            case ast.Set() | ast.List() | ast.Tuple():
                yield from _elements(node, context)

    def _calls(self, node: ast.Call) -> Iterator[tuple[str, ast.expr]]:
        for position, keyword in enumerate(node.keywords):
            if keyword.arg is not None and keyword.arg not in _LABELS | _STORED:
                rest = [item for index, item in enumerate(node.keywords) if index != position]
                yield f"drop {keyword.arg}=", ast.Call(node.func, node.args, rest)
        if isinstance(node.func, ast.Name) and node.func.id in _FUNCTIONS:
            yield "other function", ast.Call(ast.Name(_FUNCTIONS[node.func.id], ast.Load()), node.args, node.keywords)
        if isinstance(node.func, ast.Attribute):
            owner, method = node.func.value, node.func.attr
            if method in _METHODS:
                yield (
                    "other method",
                    ast.Call(ast.Attribute(owner, _METHODS[method], ast.Load()), node.args, node.keywords),
                )
            if method in _DROPPED:
                yield "drop call", owner
            first = node.args[0].value if node.args and isinstance(node.args[0], ast.Constant) else None
            if method == "compile" and _name_of(owner) == "re" and isinstance(first, str):
                for pattern in _patterns(first):
                    yield "pattern", ast.Call(node.func, [ast.Constant(pattern), *node.args[1:]], node.keywords)

    def _members(self, node: ast.Attribute) -> Iterator[tuple[str, ast.expr]]:
        if not isinstance(node.value, ast.Name) or not isinstance(node.ctx, ast.Load):
            return
        kind = self.names.get(node.value.id)
        if isinstance(kind, type) and issubclass(kind, Enum) and node.attr in kind.__members__:
            members = [name for name, member in kind.__members__.items() if member.name == name]
            other = members[(members.index(node.attr) + 1) % len(members)]
            if other != node.attr:
                yield "other member", ast.Attribute(node.value, other, ast.Load())


def mutants_of(module: str, source: str, names: dict[str, object]) -> list[Mutant]:
    """Every mutant of a module, in the order of its source.

    Args:
        module: Name of the module behind `nlgov_jades.`.
        source: Its text.
        names: The names in the imported module, to know enumerations, errors and type aliases.
    """
    seen: Counter[tuple[str, str, str]] = Counter()
    found = []
    for mutant in _Finder(module, source, names).walk(ast.parse(source), (), _Context()):
        looks = mutant.place.function, mutant.place.text, mutant.change
        seen[looks] += 1
        found.append(replace(mutant, nth=seen[looks]))
    return found


def _is_left_alone(node: ast.AST, names: dict[str, object]) -> bool:
    if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
        return True  # a docstring, or `...`
    if isinstance(node, (ast.Import, ast.ImportFrom)):
        return True
    if isinstance(node, (ast.Assign, ast.AnnAssign)):
        target = node.targets[0] if isinstance(node, ast.Assign) else node.target
        name = _name_of(target)
        if name in {"__all__", "__slots__"}:
            return True
        value = names.get(name)
        return type(value).__name__ in {
            "UnionType",
            "TypeVar",
            "GenericAlias",
            "_GenericAlias",
            "_CallableGenericAlias",
            "_UnionGenericAlias",
        }
    if isinstance(node, ast.Call) and _name_of(node.func) in {"dataclass", "lru_cache"}:
        return not any(keyword.arg == "frozen" for keyword in node.keywords)
    return isinstance(node, ast.keyword) and node.arg in _STORED


def _booleans(node: ast.BoolOp) -> Iterator[tuple[str, ast.expr]]:
    yield "and/or", ast.BoolOp(ast.Or() if isinstance(node.op, ast.And) else ast.And(), node.values)
    for position in range(len(node.values)):
        rest = [value for index, value in enumerate(node.values) if index != position]
        yield "drop operand", rest[0] if len(rest) == 1 else ast.BoolOp(node.op, rest)


def _calculations(node: ast.BinOp) -> Iterator[tuple[str, ast.expr]]:
    if type(node.op) in _CALCULATED and not _is_text(node.left) and not _is_text(node.right):
        yield "calculate", ast.BinOp(node.left, _CALCULATED[type(node.op)](), node.right)


def _elements(node: ast.Set | ast.List | ast.Tuple, context: _Context) -> Iterator[tuple[str, ast.expr]]:
    """Of what a module names once and for all; within functions most are made of what was just checked."""
    if context.outermost or len(node.elts) < 2:  # noqa: PLR2004 - what stands alone is changed as a constant
        return
    for position, item in enumerate(node.elts):
        if isinstance(node, ast.Set) or isinstance(item, (ast.Name, ast.Attribute)):
            yield "drop element", _without(node, position)


def _constants(node: ast.Constant, context: _Context) -> Iterator[tuple[str, ast.expr]]:
    value = node.value
    if isinstance(value, bool):
        yield "constant", ast.Constant(not value)
    elif isinstance(value, int):
        yield "constant", ast.Constant(value + 1)
        yield "constant", ast.Constant(value - 1)
    elif isinstance(value, str) and not context.message and not _SENTENCE.search(value):
        # Not in front: a test that looks for the words would still find them.
        yield "constant", ast.Constant(value[:1] + "XX" + value[1:])
    elif isinstance(value, bytes):
        yield "constant", ast.Constant(value[:1] + b"XX" + value[1:])


def _patterns(pattern: str) -> Iterator[str]:
    """The pattern with one quantifier changed."""
    for match in _QUANTIFIER.finditer(pattern):
        old = match[0]
        if old in "+*":
            others = ["*" if old == "+" else "+"]
        else:
            *low, high = map(int, old[1:-1].split(","))
            lower = [f"{number}," for number in low]
            others = ["{" + "".join(lower) + str(high + 1) + "}", "{" + "".join(lower) + str(high - 1) + "}"]
            others += [
                "{" + f"{number + step},{high}" + "}" for number in low for step in (1, -1) if number + step >= 0
            ]
        for other in others:
            yield pattern[: match.start()] + other + pattern[match.end() :]


def _errors(names: dict[str, object]) -> Iterator[str]:
    """Names of the errors that take nothing but a sentence."""
    for name, value in names.items():
        if isinstance(value, type) and issubclass(value, Exception) and value.__module__.startswith("nlgov_jades"):
            try:
                value("x")
            except TypeError:
                continue
            yield name


def _without(node: Any, position: int) -> Any:
    changed = copy.copy(node)
    changed.elts = [item for index, item in enumerate(node.elts) if index != position]
    return changed


def _worth_negating(test: ast.expr) -> bool:
    if isinstance(test, ast.Compare):
        return len(test.ops) > 1 or isinstance(test.ops[0], _ORDERED)
    return not isinstance(test, (ast.BoolOp, ast.UnaryOp, ast.Constant))


def _end_of_head(node: ast.stmt) -> int:
    """The last line of a statement, without the block below it."""
    body = getattr(node, "body", None)
    if isinstance(body, list) and body and isinstance(body[0], ast.stmt):
        return max(node.lineno, body[0].lineno - 1)
    return node.end_lineno or node.lineno


def _is_sentence(node: ast.JoinedStr) -> bool:
    text = "".join(str(part.value) if isinstance(part, ast.Constant) else "value" for part in node.values)
    words = "".join(str(part.value) for part in node.values if isinstance(part, ast.Constant))
    return bool(_SENTENCE.search(text)) and bool(re.search(r"[a-z]{2,}", words))


def _is_text(node: ast.expr) -> bool:
    return isinstance(node, ast.JoinedStr) or (isinstance(node, ast.Constant) and isinstance(node.value, (str, bytes)))


def _changes_what_others_see(node: ast.stmt) -> bool:
    return isinstance(node, ast.Assign) and isinstance(node.targets[0], (ast.Attribute, ast.Subscript))


def _is_none(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and node.value is None


def _name_of(node: ast.AST) -> str:
    return node.id if isinstance(node, ast.Name) else node.attr if isinstance(node, ast.Attribute) else ""


def _shown(node: ast.AST) -> str:
    text = " ".join(ast.unparse(ast.fix_missing_locations(copy.deepcopy(node))).split())
    return text if len(text) <= _SHOWN else text[: _SHOWN - 1] + "…"
