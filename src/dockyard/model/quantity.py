"""Amounts of CPU, memory and disk: text in, exact whole numbers to compare, text out.

Kubernetes' notation is described in its API reference, "Quantity": a decimal number and a suffix (``m``, ``k``, ``Mi``)
or an exponent (``1e3``). Docker prints sizes in decimal units (``180MB`` is 180,000,000 bytes).
"""

import re
from collections.abc import Iterable, Mapping
from typing import Any, ClassVar, Self

from pydantic import GetCoreSchemaHandler
from pydantic_core import CoreSchema, core_schema

from dockyard.model.errors import RuleError

MAX = 2**63 - 1
"""The largest amount there is in Kubernetes, in whole units."""

LONGEST = 64
"""Characters an amount may have; longer text is no amount, and would only cost time."""

_NUMBER = re.compile(
    r"(?P<sign>[+-]?)(?P<whole>\d*)(?:\.(?P<part>\d*))?(?:[eE](?P<exponent>[+-]?\d{1,3})|\s?(?P<suffix>[A-Za-z]*))",
    re.ASCII,
)

_Factor = tuple[int, int]
"""A factor as a fraction: 1/1000 is (1, 1000)."""

KUBERNETES_SUFFIXES: Mapping[str, _Factor] = {
    "n": (1, 10**9),
    "u": (1, 10**6),
    "m": (1, 10**3),
    "": (1, 1),
    **{suffix: (10 ** (3 * power), 1) for power, suffix in enumerate("kMGTPE", start=1)},
    **{f"{suffix}i": (1024**power, 1) for power, suffix in enumerate("KMGTPE", start=1)},
}

DOCKER_SUFFIXES: Mapping[str, _Factor] = {
    "": (10**6, 1),
    "B": (1, 1),
    **{f"{suffix}B": (10 ** (3 * power), 1) for power, suffix in enumerate("kMGT", start=1)},
}
"""A bare number is megabytes: "size: Image size in MB" (data-model.md, section 1)."""


class Quantity(int):
    """An amount as a whole number of its smallest unit; a number in every way, and text as the tools write it."""

    __slots__ = ()

    THING: ClassVar[str]
    """What it is, as the end of "'X' is not ..."."""
    RULE: ClassVar[str]
    """How it is written, and the source of the rule."""
    FINEST: ClassVar[str]
    """Why a finer amount is refused."""
    SUFFIXES: ClassVar[Mapping[str, _Factor]] = KUBERNETES_SUFFIXES
    SCALE: ClassVar[int] = 1
    """Smallest units in one of the unit that a bare number has in Kubernetes."""

    @classmethod
    def parse(cls, given: str | float) -> Self:
        """Read an amount as YAML gives it: text, or a bare number.

        Raises:
            RuleError: It is no amount, negative, too large, or finer than the smallest unit.
        """
        above, below = cls._fraction(given)
        if above > MAX * below:
            raise cls._refusal(given, "It is more than 2^63 - 1")
        above *= cls.SCALE
        if above % below:
            raise cls._refusal(given, cls.FINEST)
        return cls(above // below)

    @classmethod
    def total(cls, amounts: Iterable[Self]) -> Self:
        """Return the sum."""
        return cls(sum(amounts))

    @classmethod
    def _fraction(cls, given: str | float) -> _Factor:
        if isinstance(given, int) and given.bit_length() > 64:  # noqa: PLR2004 - its text could be endless
            raise cls._refusal("a number of more than 64 bits", "It is more than 2^63 - 1")
        text = str(given)
        match = _NUMBER.fullmatch(text) if len(text) <= LONGEST else None
        if match is None or not (match["whole"] or match["part"]):
            raise cls._refusal(given, cls.RULE)
        if match["sign"] == "-":
            raise cls._refusal(given, f"An amount is not negative. {cls.RULE}")
        above, below = cls._factor(given, match)
        part = match["part"] or ""
        return int(match["whole"] + part) * above, 10 ** len(part) * below

    @classmethod
    def _factor(cls, given: str | float, match: re.Match[str]) -> _Factor:
        if match["exponent"] is not None:
            power = int(match["exponent"])
            above, below = cls.SUFFIXES[""]
            return above * 10 ** max(power, 0), below * 10 ** max(-power, 0)
        factor = cls.SUFFIXES.get(match["suffix"])
        if factor is None:
            raise cls._refusal(given, cls.RULE)
        return factor

    @classmethod
    def _refusal(cls, given: object, why: str) -> RuleError:
        return RuleError(f"{str(given)[:LONGEST]!r} is not {cls.THING}", why=why)

    @classmethod
    def _validate(cls, given: object) -> Self:
        if isinstance(given, cls):
            return given
        # A bool is an int to Python; another quantity is one too, of another unit.
        if isinstance(given, bool | Quantity) or not isinstance(given, str | int | float):
            raise cls._refusal(given, cls.RULE)
        return cls.parse(given)

    @classmethod
    def __get_pydantic_core_schema__(cls, source: type[object], handler: GetCoreSchemaHandler) -> CoreSchema:
        """Validate text and numbers; write text."""
        del source, handler  # an int's own rules are not the amount's
        return core_schema.no_info_plain_validator_function(
            cls._validate,
            serialization=core_schema.to_string_ser_schema(when_used="always"),
            json_schema_input_schema=core_schema.union_schema([core_schema.str_schema(), core_schema.float_schema()]),
        )

    def __repr__(self) -> str:
        """Return the class and the text."""
        return f"{type(self).__name__}({str(self)!r})"

    def __getnewargs__(self) -> tuple[Any, ...]:
        """Copy and pickle by the number, not by the text."""
        return (int(self),)


class CpuQuantity(Quantity):
    """CPU time in thousandths of a core: ``500m`` and ``0.5`` are 500."""

    __slots__ = ()

    THING = "an amount of CPU"
    RULE = "It is written like 500m, 0.5 or 2 (Kubernetes API, Quantity)"
    FINEST = 'Kubernetes knows nothing finer than 1m (Kubernetes documentation, "Resource units")'
    SCALE = 1000

    def __str__(self) -> str:
        """Return it as Kubernetes does: whole cores, or thousandths."""
        cores, rest = divmod(int(self), self.SCALE)
        return f"{int(self)}m" if rest else f"{cores}"


class MemoryQuantity(Quantity):
    """Memory in bytes: ``512Mi`` is 536,870,912."""

    __slots__ = ()

    THING = "an amount of memory"
    RULE = "It is written like 512Mi, 1Gi, 500M or a number of bytes (Kubernetes API, Quantity)"
    FINEST = "It is not a whole number of bytes; a small `m` means thousandths of a byte, `Mi` and `M` are megabytes"

    def __str__(self) -> str:
        """Return it with the largest suffix that leaves a whole number, binary ones first."""
        number = int(self)
        for suffixes, base in (("EPTGMK", 1024), ("EPTGMk", 1000)):
            for power, suffix in zip(range(6, 0, -1), suffixes, strict=True):
                if number and number % base**power == 0:
                    return f"{number // base**power}{suffix}{'i' if base == 1024 else ''}"  # noqa: PLR2004 - as above
        return str(number)


class ImageSize(Quantity):
    """An image's size in bytes, written in decimal megabytes as Docker prints them: ``180MB``."""

    __slots__ = ()

    THING = "an image size"
    RULE = "It is written like 180MB, 1.2GB or 180, in decimal units as Docker prints them (data-model.md, section 1)"
    FINEST = "It is not a whole number of bytes"
    SUFFIXES = DOCKER_SUFFIXES

    @property
    def megabytes(self) -> float:
        """The size in megabytes of 1,000,000 bytes."""
        return int(self) / 1_000_000

    def __str__(self) -> str:
        """Return the exact number of megabytes."""
        whole, rest = divmod(int(self), 1_000_000)
        part = f".{rest:06d}".rstrip("0") if rest else ""
        return f"{whole}{part}MB"
