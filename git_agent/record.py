"""Values with named fields: what typing.NamedTuple makes, at a tenth of the time.

A verb loads about 50 such classes. typing.NamedTuple compiles every annotation and generates a constructor for each
class, which took 26 ms of the 206 ms of `git agent list`; frozen dataclasses took five times as long for each class
(measured with Python 3.11, see docs/decisions/0021-records.md).
"""

from __future__ import annotations

from operator import itemgetter
from typing import TYPE_CHECKING, Any, ClassVar

__all__ = ["Record"]

if TYPE_CHECKING:
    from typing import NamedTuple as Record
else:

    class Record(tuple):
        """A tuple whose fields are the annotations of the class; a value in the class is the field's default."""

        __slots__ = ()
        _fields = ()
        _field_defaults: ClassVar[dict[str, Any]] = {}

        def __init_subclass__(cls) -> None:
            names = tuple(cls.__annotations__)
            cls._fields = cls.__match_args__ = names = names or cls._fields
            cls._field_defaults = {name: cls.__dict__[name] for name in names if name in cls.__dict__}
            for at, name in enumerate(names):
                setattr(cls, name, property(itemgetter(at)))

        def __new__(cls, *values: Any, **named: Any) -> Record:
            if named or len(values) != len(cls._fields):
                values = _complete(cls, values, named)
            return tuple.__new__(cls, values)

        @classmethod
        def _make(cls, values: Any) -> Record:
            """Make a record of the values of all its fields, in their order."""
            return cls(*values)

        def _replace(self, **named: Any) -> Record:
            """Return a copy in which some fields have other values."""
            return type(self)(**{**self._asdict(), **named})

        def _asdict(self) -> dict[str, Any]:
            """Map the names of the fields to their values."""
            return dict(zip(self._fields, self, strict=True))

        def __getnewargs__(self) -> tuple[Any, ...]:
            return tuple(self)

        def __repr__(self) -> str:
            shown = ", ".join(f"{name}={value!r}" for name, value in self._asdict().items())
            return f"{type(self).__name__}({shown})"

    def _complete(cls: type[Record], values: tuple[Any, ...], named: dict[str, Any]) -> list[Any]:
        fields, given = cls._fields, dict(zip(cls._fields, values, strict=False))
        known = {**cls._field_defaults, **given, **named}
        if len(known) == len(fields) and len(given) == len(values) and given.keys().isdisjoint(named):
            try:
                return [known[name] for name in fields]
            except KeyError:
                pass
        wrong = sorted((given.keys() & named.keys()) | (known.keys() - set(fields))) or f"{len(values)} values"
        lacking = [name for name in fields if name not in known]
        raise TypeError(f"{cls.__name__} has the fields {fields}: {wrong} do not fit, {lacking} are missing")
