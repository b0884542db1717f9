"""Documents as JSON: they read back equal, say what is wrong with a broken one, and agree with the schema."""

from __future__ import annotations

import copy
import dataclasses
import enum
import json
import math
import random
import struct
import sys
import typing
from decimal import Decimal
from typing import Any

import json_documents
import jsonschema
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import tracegrad as tg
from tracegrad import document, export
from tracegrad.document import Annotated, schema
from tracegrad.errors import DocumentError
from tracegrad.export import json as json_export
from tracegrad.export.codecs import CODECS
from tracegrad.export.json import from_json, load, to_json
from tracegrad.laws import check_identity, lint
from tracegrad.lazy import LazyRows
from tracegrad.structures import Array, Opaque, Record, structure

VALIDATOR = jsonschema.Draft202012Validator(schema())

BIG_INTS = [2**53, 2**53 + 1, 2**63, 2**1023, 2**1024 - 1, 2**1024, 10**4299, 10**4300, 10**5000, -(10**5000)]
#: what hypothesis can print, so not the largest
numbers = st.one_of(
    st.floats(),
    st.integers(),
    st.sampled_from([*BIG_INTS[:7], -0.0, 0, 5e-324, sys.float_info.max, math.inf]),
)


def bits(value: Any) -> Any:
    """A key that is equal for numbers of the same class and the same bits; nan is nan, whatever its payload."""
    if type(value) is float:
        return "float", b"nan" if value != value else struct.pack(">d", value)
    if dataclasses.is_dataclass(value):
        kind = (
            Annotated if isinstance(value, Annotated) else type(value)
        )  # what can be done with it is no matter
        return kind.__name__, [bits(getattr(value, field.name)) for field in dataclasses.fields(value)]
    if isinstance(value, dict):
        return "dict", [(bits(key), bits(item)) for key, item in value.items()]
    if isinstance(value, LazyRows):
        return bits(tuple(value))
    if isinstance(value, list | tuple):
        return type(value).__name__, [bits(item) for item in value]
    return type(value).__name__, value


def changed(change: dict[str, Any], row: str | None = None, index: int = 0) -> Annotated:
    """The example with some fields of the document, or of one row, replaced."""
    example = json_documents.square_plus()
    if row is None:
        return dataclasses.replace(example, **change)
    rows = list(getattr(example, row))
    rows[index] = dataclasses.replace(rows[index], **change)
    return dataclasses.replace(example, **{row: tuple(rows)})


def round_trip(annotated: Annotated) -> Annotated:
    """Through text, with everything checked that holds for any document."""
    text = to_json(annotated)
    VALIDATOR.validate(json.loads(text))
    loaded = from_json(text)
    assert to_json(loaded) == text
    assert from_json(text.encode()) == loaded or "NaN" in text
    assert bits(from_json(to_json(annotated, indent=2))) == bits(loaded)
    return loaded


# ---- what is written reads back equal ---------------------------------------------------------------


def test_the_example_reads_back_equal() -> None:
    example = json_documents.square_plus()
    loaded = round_trip(example)
    assert loaded == example
    assert hash(loaded.function) == hash(example.function)
    assert bits(loaded) == bits(example)


def test_a_row_is_a_line() -> None:
    lines = to_json(json_documents.square_plus()).splitlines()
    nodes = [line for line in lines if line.startswith('  {"id": "n')]
    assert [json.loads(line.rstrip(","))["id"] for line in nodes] == ["n0", "n1", "n2", "n3"]


@pytest.mark.parametrize("count", [0, 1, 999, 1000, 1001, 2500])
def test_rows_are_separated_alike_however_many(count: int) -> None:
    tricky = 'a}, {"file": "b\\"}, {"file": '
    rows = tuple(document.SourceLine(file="f.py", line=i, text=tricky) for i in range(count))
    example = changed({"source": rows})
    text = to_json(example)
    assert from_json(text) == example
    assert sum(line.startswith('  {"file": ') for line in text.splitlines()) == count


@settings(deadline=None)
@given(numbers, numbers, numbers)
def test_numbers_keep_their_class_and_bits(value: Any, adjoint: Any, partial: Any) -> None:
    example = changed({"value": value, "adjoint": adjoint}, "nodes")
    example = dataclasses.replace(
        example,
        edges=(dataclasses.replace(example.edges[0], partial=partial, flow=value), *example.edges[1:]),
        value=[value, adjoint],
        outputs=(dataclasses.replace(example.outputs[0], value=value, seed=partial),),
    )
    assert bits(round_trip(example)) == bits(example)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (1, "1"),
        (1.0, "1.0"),
        (-0.0, "-0.0"),
        (math.nan, '"NaN"'),
        (math.inf, '"Infinity"'),
        (-math.inf, '"-Infinity"'),
        (2**1024 - 1, str(2**1024 - 1)),
        (2**1024, hex(2**1024).join('""')),
        (-(2**1024), hex(-(2**1024)).join('""')),
        (5e-324, "5e-324"),
    ],
)
def test_how_a_number_is_written(value: Any, text: str) -> None:
    assert f'"value": {text},' in to_json(changed({"value": value}, "nodes"))
    assert bits(round_trip(changed({"value": value}, "nodes"))) == bits(changed({"value": value}, "nodes"))


def test_ints_need_no_digit_limit() -> None:
    limit = sys.get_int_max_str_digits()
    sys.set_int_max_str_digits(640)
    try:
        for value in BIG_INTS:
            assert from_json(to_json(changed({"value": value}, "nodes"))).nodes[0].value == value
    finally:
        sys.set_int_max_str_digits(limit)


leaves = st.one_of(
    numbers, st.text(), st.booleans(), st.none(), st.sampled_from(["NaN", "Infinity", "-Infinity", "0x10"])
)
structures = st.recursive(
    leaves,
    lambda inner: st.one_of(
        st.lists(inner),
        st.lists(inner).map(tuple),
        st.dictionaries(st.one_of(st.text(), st.integers(), st.booleans(), st.none()), inner),
        st.builds(Record, st.text(), st.lists(st.tuples(st.text(), inner)).map(tuple)),
        st.builds(Opaque, st.text(), st.none() | st.text()),
    ),
    max_leaves=12,
)


@settings(deadline=None)
@given(structures, structures)
def test_structures_read_back_equal(value: Any, other: Any) -> None:
    example = changed({"value": value, "seed": other})
    example = dataclasses.replace(
        example,
        nodes=(*example.nodes[:3], dataclasses.replace(example.nodes[3], params={"axis": value})),
        guards=(dataclasses.replace(example.guards[0], operands=({"value": other},), outcome=value),),
    )
    assert bits(round_trip(example)) == bits(example)


class Point(typing.NamedTuple):
    x: float
    y: Any


@dataclasses.dataclass
class Rates:
    rate: float
    rest: Any = None


class Colour(enum.Enum):
    RED = 1


class Loud:
    def __repr__(self) -> str:
        raise AssertionError("no code of the user runs while a document is written")


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (Point(1.0, [2]), Record("Point", (("x", 1.0), ("y", [2])))),
        (
            Rates(0.5, Point(1, 2)),
            Record("Rates", (("rate", 0.5), ("rest", Record("Point", (("x", 1), ("y", 2)))))),
        ),
        (1j, Opaque("complex", "1j")),
        (Decimal("1.50"), Opaque("Decimal", "Decimal('1.50')")),
        (Colour.RED, Opaque("Colour", "RED")),
        ({"a", "b"}, Opaque("set")),
        (Loud(), Opaque("Loud")),
        ([Loud()], [Opaque("Loud")]),
        (object, Opaque("type")),
    ],
)
def test_other_objects_are_written_as_data(value: Any, expected: Any) -> None:
    assert structure(value) == expected
    assert structure(expected) == expected
    loaded = round_trip(changed({"value": value}))
    assert loaded.value == expected


def test_numpy_scalars_become_python_numbers() -> None:
    values = [np.float64(0.1), np.float32(0.1), np.int64(7), np.int8(-1)]
    assert bits(structure(values)) == bits([0.1, float(np.float32(0.1)), 7, -1])
    for value in values:
        assert bits(round_trip(changed({"value": value}, "nodes")).nodes[0].value) == bits(structure(value))


@settings(deadline=None)
@given(st.text(alphabet=st.characters(codec="utf-8")))
def test_any_text_survives(text: str) -> None:
    example = changed({"label": text, "name": text}, "nodes")
    assert round_trip(example) == example


def test_text_that_is_not_utf8_survives_a_file(tmp_path: Any) -> None:
    example = changed({"label": "a\ud800b", "name": "\udcff"}, "nodes")
    path = tmp_path / "odd.json"
    path.write_bytes(to_json(example).encode("utf-8"))
    assert load(path) == example


def test_the_writer_does_not_change_what_it_writes() -> None:
    example = changed({"params": {"a": [1, {"b": (2,)}]}}, "nodes")
    before = copy.deepcopy(example)
    assert to_json(example) == to_json(example)
    assert example == before


# ---- real traces ------------------------------------------------------------------------------------


@settings(deadline=None)
@given(st.floats(), st.floats(), st.integers(-(2**70), 2**70))
def test_traces_read_back_equal(x: float, y: float, n: int) -> None:
    def f(x: float, y: float, n: int) -> Any:
        z = x * y + n
        z = z * x if z > 0 else -z
        return {"z": z, "rest": (x, [n * 2, "NaN"], None)}

    t = tg.trace(f, x, y, n).backward({"z": 1.0, "rest": (0.5, [2, None], None)})
    loaded = round_trip(t.document)
    check_identity(loaded)
    assert bits(loaded) == bits(t.document)
    assert bits(loaded.value) == bits(f(x, y, n))


@pytest.mark.parametrize(
    ("function", "args"),
    [
        (lambda x: math.sqrt(x) * x, (0.0,)),
        (lambda x, y: max(x, y) + min(x, y, 2.0), (2.0, 2.0)),
        (lambda *v: math.hypot(*v) + math.prod(v) + sum(v), (1.0, -0.0, 3)),
        (lambda x: round(x, 2) * x + round(x), (1.234,)),
        (lambda x, y: x**y + x**2 + 2**x, (1.5, 2.5)),
        (lambda x: x if x > 0 and math.isclose(x, 3, rel_tol=1e-3) else -x, (3.0,)),
        (lambda x: sum(x * i for i in range(5)), (3.0,)),
        (lambda x, unused: x - x * 0, (math.inf, 1.0)),
        (lambda w: sum(a * b for a, b in zip(w["a"], w["b"], strict=True)), ({"a": [1, 2], "b": (3.5, 4)},)),
    ],
)
def test_all_kinds_of_operations_read_back_equal(function: Any, args: Any) -> None:
    annotated = tg.trace(function, *args).document
    loaded = round_trip(annotated)
    assert bits(loaded) == bits(annotated)
    lint(annotated)
    check_identity(loaded)


# ---- the schema -------------------------------------------------------------------------------------


def test_the_schema_is_a_schema() -> None:
    jsonschema.Draft202012Validator.check_schema(schema())


def rows_of_the_document() -> list[type]:
    return [row for row in map(vars(document).get, vars(document)) if dataclasses.is_dataclass(row)]  # type: ignore[misc]


def test_schema_and_rows_name_the_same_fields() -> None:
    found = schema()
    for row in rows_of_the_document():
        if row in (Array, Record, Opaque):  # not rows, but forms of a structure
            continue
        name = row.__name__[0].lower() + row.__name__[1:]
        part = found if row is Annotated else found["$defs"][name]
        fields = [field.name for field in dataclasses.fields(row)]
        needed = [field.name for field in dataclasses.fields(row) if field.default is dataclasses.MISSING]
        assert list(part["properties"]) == fields
        assert part["required"] == needed
        assert part["additionalProperties"] is False
        for field in fields:
            assert part["properties"][field][
                "description" if "$ref" not in part["properties"][field] else "$ref"
            ]


def test_schema_and_rows_agree_on_what_may_be_null() -> None:
    found = schema()
    for row in rows_of_the_document():
        if row in (Array, Record, Opaque):
            continue
        name = row.__name__[0].lower() + row.__name__[1:]
        part = found if row is Annotated else found["$defs"][name]
        for field in dataclasses.fields(row):
            resolved = {**part["properties"][field.name], "$defs": found["$defs"]}
            nullable = jsonschema.Draft202012Validator(resolved).is_valid(None)
            assert nullable == (str(field.type).endswith("| None") or field.type == "Structure"), (
                row,
                field.name,
            )


def test_schema_names_the_kinds_and_levels() -> None:
    found = schema()
    assert found["$defs"]["node"]["properties"]["kind"]["enum"] == list(document.KINDS)
    assert found["properties"]["level"]["enum"] == list(document.LEVELS)
    assert found["properties"]["version"]["const"] == document.VERSION


def test_every_row_has_a_codec() -> None:
    assert {row.__name__ for row in rows_of_the_document()} - {"Array", "Record", "Opaque"} <= CODECS.keys()


# ---- broken documents -------------------------------------------------------------------------------


def broken(*path: Any, value: Any = None, drop: bool = False) -> str:
    data = json.loads(to_json(json_documents.square_plus()))
    place = data
    for step in path[:-1]:
        place = place[step]
    if drop:
        del place[path[-1]]
    else:
        place[path[-1]] = value
    return json.dumps(data)


NO_DOCUMENT = 'not a tracegrad document: it is no object with "format": "tracegrad"'


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "not JSON: Expecting value, line 1 column 1"),
        ("{", "not JSON: Expecting property name enclosed in double quotes, line 1 column 2"),
        (b"\xff{}", "not JSON: no UTF-8 text (invalid start byte at byte 0)"),
        ('{"format": "tracegrad", "version": NaN}', 'not JSON: a bare NaN; a document writes "NaN"'),
        ("[" * 100_000, "the document nests too deeply"),
        ("[]", NO_DOCUMENT),
        ("{}", NO_DOCUMENT),
        ('{"format": "other"}', NO_DOCUMENT),
        (broken("version", value=2), "the document has version 2; this tracegrad reads version 1"),
        (broken("version", drop=True), "the document has version None; this tracegrad reads version 1"),
        (broken("version", value=True), "version should be a whole number, not true"),
        (broken("guards", drop=True), "the document lacks 'guards'"),
        (broken("more", value=1), "the document has an unknown field 'more'"),
        (broken("nodes", 1, "site", "line", drop=True), "nodes[1].site lacks 'line'"),
        (
            broken("nodes", 1, "site", "line", value="2"),
            'nodes[1].site.line should be a whole number, not "2"',
        ),
        (broken("nodes", 1, "site", "line", value=-2), "nodes[1].site.line should be a whole number, not -2"),
        (broken("nodes", 1, "site", value=[]), "nodes[1].site should be an object, not []"),
        (broken("nodes", value={}), "nodes should be a list, not {}"),
        (broken("nodes", 0, "label", value=None), "nodes[0].label should be text, not null"),
        (broken("nodes", 0, "flags", value=["kink", 1]), "nodes[0].flags[1] should be text, not 1"),
        (broken("nodes", 0, "shape", value=[1.0]), "nodes[0].shape[0] should be a whole number, not 1.0"),
        (broken("nodes", 0, "params", value=None), "nodes[0].params should be an object, not null"),
        (
            broken("nodes", 0, "value", value="nan"),
            'nodes[0].value should be a number, "NaN", "Infinity", "-Infinity" or hexadecimal text, not "nan"',
        ),
        (
            broken("edges", 0, "flow", value=True),
            'edges[0].flow should be a number, "NaN", "Infinity", "-Infinity" or hexadecimal text, not true',
        ),
        (
            broken("value", value={"list": []}),
            'value should be an object of str, complex, tuple, dict, record/fields, object/text, not {"list": []}',
        ),
        (broken("value", value={"dict": [[[], 1]]}), "value has a list or dict among the keys of a dict"),
        (broken("value", value={"dict": [[1]]}), "value should be a pair, not [1]"),
        (broken("value", value={"tuple": 1}), "value should be a list, not 1"),
        (
            broken("guards", 0, "operands", 1, value={"value": 0, "node": "n0"}),
            'guards[0].operands[1] should be {"node": id} or {"value": ...}, not {"value": 0, "node": "n0"}',
        ),
        (broken("level", value="loop"), "level 'loop' is none of op, stage, call, line"),
        (broken("nodes", 0, "kind", value="leaf"), "n0: kind 'leaf' is none of input, const, op"),
        (broken("nodes", 0, "id", value="x"), "'x' is not the id of a node: write n0, n1, ..."),
        (broken("nodes", 0, "id", value="n0\n"), "'n0\\n' is not the id of a node: write n0, n1, ..."),
        (broken("nodes", 0, "id", value="n01"), "'n01' is not the id of a node: write n0, n1, ..."),
        (broken("nodes", 0, "id", value="n1"), "two nodes have the id n1"),
        (broken("edges", 0, "id", value="e1"), "two edges have the id e1"),
        (broken("edges", 0, "source", value="n9"), "e0: its source n9 is not in the document"),
        (broken("edges", 0, "target", value="n9"), "e0: its target n9 is not in the document"),
        (broken("edges", 0, "source", value="n3"), "e0: n1 uses n3, which does not stand before it"),
        (broken("edges", 0, "source", value="n1"), "e0: n1 uses n1, which does not stand before it"),
        (broken("edges", 1, "slot", value=0), "e1: slot 0 of n1 has an edge already"),
        (broken("nodes", 1, "stage", value="s7"), "n1: its stage s7 is not in the document"),
        (broken("nodes", 1, "cluster", value="c7"), "n1: its cluster c7 is not in the document"),
        (broken("stages", 0, "nodes", 0, value="n7"), "s0: its node n7 is not in the document"),
        (broken("stages", 0, "cluster", value="c7"), "s0: its cluster c7 is not in the document"),
        (broken("clusters", 0, "parent", value="c7"), "c0: its parent c7 is not in the document"),
        (broken("clusters", 0, "parent", value="c0"), "c0: its parent c0 does not stand before it"),
        (broken("inputs", 0, "node", value="n7"), "input 'x': its node n7 is not in the document"),
        (broken("inputs", 0, "node", value="n1"), "input 'x': its node n1 is no input"),
        (broken("outputs", 0, "node", value="n7"), "output '': its node n7 is not in the document"),
        (
            broken("guards", 0, "operands", 0, value={"node": "n7"}),
            "g0: its operand n7 is not in the document",
        ),
    ],
)
def test_what_is_wrong_is_said(text: str | bytes, message: str) -> None:
    with pytest.raises(DocumentError) as caught:
        from_json(text)
    assert str(caught.value) == message


def test_an_int_of_many_decimal_digits_is_refused() -> None:
    text = to_json(changed({"value": 123456789}, "nodes")).replace("123456789", "1" * 5000)
    with pytest.raises(DocumentError, match="not a tracegrad document: Exceeds the limit"):
        from_json(text)


def test_a_deep_structure_is_refused() -> None:
    text = to_json(json_documents.square_plus()).replace(
        '"value": 11.0', '"value": ' + "[" * 900 + "]" * 900, 1
    )
    try:
        from_json(text)
    except DocumentError as error:
        assert str(error) == "the document nests too deeply"  # noqa: PT017


def test_the_order_of_keys_does_not_matter() -> None:
    example = changed({"value": (Record("P", (("x", 1.0),)), Opaque("complex", "1j"))})
    text = json.dumps(json.loads(to_json(example)), sort_keys=True)
    assert from_json(text) == example


def test_a_byte_order_mark_does_not_matter() -> None:
    example = json_documents.square_plus()
    assert from_json(b"\xef\xbb\xbf" + to_json(example).encode()) == example


def mutate(data: Any, choice: random.Random) -> None:
    """Change one place of a JSON tree."""
    place = data
    while True:
        keys = list(place) if isinstance(place, dict) else range(len(place))
        key = choice.choice(keys)
        if not isinstance(place[key], dict | list) or not place[key] or choice.random() < 0.1:
            break
        place = place[key]
    action = choice.random()
    if action < 0.2:
        del place[key]
    elif action < 0.3 and isinstance(place, dict):
        place["extra"] = None
    else:
        place[key] = choice.choice(
            [
                None,
                True,
                0,
                -1,
                1.5,
                "",
                "NaN",
                "0xg",
                "n1",
                "e0",
                "s99",
                [],
                {},
                [None],
                {"str": "a"},
                {"tuple": [0]},
            ]
        )


@settings(deadline=None)
@given(st.integers(0, 2**32), st.integers(1, 3))
def test_what_the_schema_refuses_is_refused(seed: int, times: int) -> None:
    choice = random.Random(seed)
    data = json.loads(to_json(json_documents.square_plus()))
    for _ in range(times):
        mutate(data, choice)
    try:
        loaded = from_json(json.dumps(data))
    except DocumentError:
        return
    VALIDATOR.validate(data)
    assert json.loads(to_json(loaded)) == data


# ---- files ------------------------------------------------------------------------------------------


def test_load_names_the_file(tmp_path: Any) -> None:
    path = tmp_path / "broken.json"
    path.write_text(broken("nodes", 0, "id", value="n1"))
    with pytest.raises(DocumentError) as caught:
        load(path)
    assert str(caught.value) == f"{path}: two nodes have the id n1"
    with pytest.raises(FileNotFoundError, match=r"missing\.json"):
        load(tmp_path / "missing.json")


# ---- the laws ---------------------------------------------------------------------------------------


def test_the_example_keeps_the_laws() -> None:
    for x in (3.0, -0.0, 1e200, math.inf, math.nan):
        lint(json_documents.square_plus(x))
        check_identity(json_documents.square_plus(x))


@pytest.mark.parametrize(
    ("annotated", "message"),
    [
        (
            changed({"adjoint": 6.5}, "nodes", 0),
            "n0: its adjoint is 6.5, but its seed and the flows of its uses add up to 3.0 + 3.0 = 6.0",
        ),
        (
            changed({"adjoint": None}, "nodes", 0),
            "n0: its adjoint is None, but its seed and the flows of its uses add up to 3.0 + 3.0 = 6.0",
        ),
        (
            changed({"adjoint": math.nextafter(6.0, 7)}, "nodes", 0),
            "n0: its adjoint is 6.000000000000001, but its seed and the flows of its uses add up to 3.0 + 3.0 = 6.0",
        ),
        (
            changed({"flow": 4.0}, "edges", 1),
            "e1: its flow is 4.0, but partial * adjoint of n1 is 3.0 * 1.0 = 3.0",
        ),
        (changed({"flow": None}, "edges", 1), "e1: no flow from n1 to n0, which varies"),
        (changed({"flow": 1.0}, "edges", 3), "e3: a flow of 1.0, but n2 is a constant"),
        (changed({"adjoint": 2.0}, "nodes", 2), "n2: it is a constant, but its adjoint is 2.0"),
        (
            changed({"seed": 2.0}, "outputs", 0),
            "n3: its adjoint is 1.0, but its seed and the flows of its uses add up to 2.0 = 2.0",
        ),
        (changed({"outputs": ()}), "n3: nothing depends on it, but its adjoint is 1.0"),
    ],
)
def test_a_broken_identity_names_its_place(annotated: Annotated, message: str) -> None:
    with pytest.raises(DocumentError) as caught:
        check_identity(annotated)
    assert str(caught.value) == message


def test_the_sign_of_zero_counts_in_an_identity() -> None:
    with pytest.raises(
        DocumentError, match=r"its flow is 0\.0, but partial \* adjoint of n1 is 3\.0 \* -0\.0"
    ):
        check_identity(_with_flow_of_zero())


def _with_flow_of_zero() -> Annotated:
    example = changed({"adjoint": -0.0}, "nodes", 1)
    edges = tuple(dataclasses.replace(edge, flow=0.0) for edge in example.edges[:2]) + example.edges[2:]
    return dataclasses.replace(example, edges=edges)


def test_a_folded_level_allows_rounding() -> None:
    exact = changed({"adjoint": math.nextafter(6.0, 7)}, "nodes", 0)
    check_identity(dataclasses.replace(exact, level="stage"))
    with pytest.raises(DocumentError):
        check_identity(dataclasses.replace(exact, level="stage"), tolerance=0.0)
    with pytest.raises(DocumentError):
        check_identity(_off_by(1e-9))


def _off_by(relative: float) -> Annotated:
    return dataclasses.replace(changed({"adjoint": 6.0 * (1 + relative)}, "nodes", 0), level="stage")


# ---- size -------------------------------------------------------------------------------------------


def test_depth_is_no_recursion() -> None:
    def f(x: float) -> float:
        for _ in range(3000):
            x = x * 0.999 + 0.001
        return x

    loaded = from_json(to_json(tg.trace(f, 3.0).document))
    check_identity(loaded)
    assert len(loaded.nodes) > 6000


def test_a_file_is_written_piece_by_piece():
    def steps(x):
        for _ in range(1500):
            x = x * 0.5 + 1.0
        return x

    shown = tg.trace(steps, 0.5).document
    pieces = list(json_export.pieces(shown))
    assert "".join(pieces) == to_json(shown)
    assert max(map(len, pieces)) < len("".join(pieces)) / 5
    assert shown.nodes._rows is None  # none was kept


def test_a_file_that_fails_in_the_middle_is_what_it_was(tmp_path, monkeypatch):
    path = tmp_path / "f.json"
    shown = tg.trace(lambda x: x * x, 3.0).document
    export.write(shown, path)
    before = path.read_bytes()

    def broken(annotated):
        yield "{"
        raise OSError("no room")

    monkeypatch.setattr(json_export, "pieces", broken)
    with pytest.raises(OSError, match="no room"):
        export.write(shown, path)
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]
