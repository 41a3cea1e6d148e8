"""Records: what typing.NamedTuple does, made without compiling annotations."""

from __future__ import annotations

import copy
import pickle
from typing import NamedTuple

import pytest

from git_agent.record import Record


class Plain(NamedTuple):
    """What the type checker takes a record for."""

    oid: str
    ahead: int = 0
    paths: tuple[str, ...] = ()

    @property
    def short(self) -> str:
        """Return the beginning of the oid."""
        return self.oid[:3]


class Fast(Record):
    """The same as a record."""

    oid: str
    ahead: int = 0
    paths: tuple[str, ...] = ()

    @property
    def short(self) -> str:
        """Return the beginning of the oid."""
        return self.oid[:3]


@pytest.mark.parametrize(
    ("values", "named"),
    [
        (("abcd",), {}),
        (("abcd", 3), {}),
        (("abcd", 3, ("x",)), {}),
        ((), {"oid": "abcd", "paths": ("x", "y")}),
        (("abcd",), {"ahead": 7}),
        (("",), {"paths": ()}),
    ],
)
def test_a_record_is_what_a_named_tuple_of_the_same_fields_is(
    values: tuple[object, ...], named: dict[str, object]
) -> None:
    fast, plain = Fast(*values, **named), Plain(*values, **named)  # type: ignore[arg-type]
    assert fast == plain and hash(fast) == hash(plain) and tuple(fast) == tuple(plain)
    assert (fast.oid, fast.ahead, fast.paths, fast.short) == (plain.oid, plain.ahead, plain.paths, plain.short)
    assert repr(fast) == repr(plain).replace("Plain", "Fast")
    assert fast._asdict() == plain._asdict() and Fast._fields == Plain._fields
    assert fast._replace(ahead=9) == plain._replace(ahead=9) and Fast._make(plain) == plain
    assert type(fast._replace(ahead=9)) is Fast and type(Fast._make(plain)) is Fast
    oid, ahead, paths = fast
    assert (oid, ahead, paths) == tuple(plain)


@pytest.mark.parametrize(
    ("values", "named"),
    [
        ((), {}),
        (("abcd", 1, (), 4), {}),
        (("abcd",), {"oid": "abcd"}),
        (("abcd",), {"behind": 1}),
        ((), {"ahead": 1}),
    ],
)
def test_a_record_refuses_the_fields_that_a_named_tuple_refuses(
    values: tuple[object, ...], named: dict[str, object]
) -> None:
    for kind in (Plain, Fast):
        with pytest.raises(TypeError):
            kind(*values, **named)  # type: ignore[arg-type]


def test_a_record_can_not_be_changed() -> None:
    with pytest.raises(AttributeError):
        Fast("abcd").oid = "other"  # type: ignore[misc]
    with pytest.raises(TypeError):
        Fast("abcd")._replace(behind=1)  # type: ignore[call-arg]


def test_a_record_survives_copying_and_pickling() -> None:
    one = Fast("abcd", 2, ("x",))
    for same in (copy.copy(one), copy.deepcopy(one), pickle.loads(pickle.dumps(one))):
        assert same == one and type(same) is Fast


def test_a_record_is_matched_by_position_and_by_name() -> None:
    match Fast("abcd", 2):
        case Fast("abcd", ahead=number):
            assert number == 2
        case _:
            pytest.fail("it did not match")
