"""Amounts of CPU, memory and disk."""

from __future__ import annotations

import copy
import pickle
from fractions import Fraction

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from dockyard.model.errors import RuleError
from dockyard.model.quantity import MAX, CpuQuantity, ImageSize, MemoryQuantity, Quantity

KINDS = (CpuQuantity, MemoryQuantity, ImageSize)

WRITTEN: dict[type[Quantity], dict[str | float, int]] = {
    CpuQuantity: {
        "500m": 500,
        "0.5": 500,
        0.5: 500,
        ".5": 500,
        "1.": 1000,
        "+1": 1000,
        1: 1000,
        "2": 2000,
        "1e3": 1_000_000,
        "1E-3": 1,
        "100000u": 100,
        "1k": 1_000_000,
        "0": 0,
    },
    MemoryQuantity: {
        "512Mi": 536_870_912,
        "1Gi": 1_073_741_824,
        "0.5Gi": 536_870_912,
        "180M": 180_000_000,
        "1e3": 1000,
        "1E": 10**18,
        "1E3": 1000,
        "128974848000m": 128_974_848,
        134_217_728: 134_217_728,
        "4Ki": 4096,
        "3000000000n": 3,
        "9223372036854775807": 2**63 - 1,
        "7k": 7000,
    },
    ImageSize: {
        "180MB": 180_000_000,
        "180 MB": 180_000_000,
        180: 180_000_000,
        "1.21GB": 1_210_000_000,
        "95.3kB": 95_300,
        "512B": 512,
        "0B": 0,
    },
}

REFUSED: dict[type[Quantity], dict[object, str]] = {
    CpuQuantity: {
        "": "It is written like 500m",
        "m": "It is written like 500m",
        ".": "It is written like 500m",
        "1,5": "It is written like 500m",
        "0.5 cores": "It is written like 500m",
        "500M i": "It is written like 500m",
        "1e": "It is written like 500m",
        "٣": "It is written like 500m",
        "-1": "is not negative",
        "0.0001": "nothing finer than 1m",
        "1u": "nothing finer than 1m",
        "1e999": "more than 2^63 - 1",
        "1" * 65: "It is written like 500m",
        10**50: "more than 2^63 - 1",
        float("inf"): "It is written like 500m",
        float("nan"): "It is written like 500m",
        True: "It is written like 500m",
        None: "It is written like 500m",
    },
    MemoryQuantity: {
        "400m": "a small `m` means thousandths of a byte",
        "0.5": "not a whole number of bytes",
        "512MB": "It is written like 512Mi",
        "512mi": "It is written like 512Mi",
        "9223372036854775808": "more than 2^63 - 1",
        "16Ei": "more than 2^63 - 1",
        "-1Mi": "is not negative",
    },
    ImageSize: {
        "180Mi": "in decimal units as Docker prints them",
        "180mb": "in decimal units as Docker prints them",
        "1.5B": "not a whole number of bytes",
        "-1MB": "is not negative",
    },
}

PRINTED = {
    CpuQuantity(500): "500m",
    CpuQuantity(1500): "1500m",
    CpuQuantity(2000): "2",
    CpuQuantity(0): "0",
}

MEMORY_PRINTED = {
    536_870_912: "512Mi",
    1_073_741_824: "1Gi",
    180_000_000: "180M",
    1_024_000: "1000Ki",
    999: "999",
    0: "0",
}

SIZE_PRINTED = {180_000_000: "180MB", 95_300: "0.0953MB", 1_210_000_000: "1210MB", 0: "0MB"}


@pytest.mark.parametrize(
    ("kind", "text", "number"),
    [(kind, text, number) for kind, table in WRITTEN.items() for text, number in table.items()],
)
def test_an_amount_is_the_number_it_stands_for(kind: type[Quantity], text: str | float, number: int) -> None:
    """Every notation of Kubernetes and of Docker gives the exact number of smallest units."""
    assert kind.parse(text) == number
    assert type(TypeAdapter(kind).validate_python(text)) is kind


@pytest.mark.parametrize(
    ("kind", "given", "why"), [(kind, text, why) for kind, table in REFUSED.items() for text, why in table.items()]
)
def test_what_is_no_amount_is_refused_with_its_reason(kind: type[Quantity], given: object, why: str) -> None:
    """The sentence says what an amount looks like, or what is wrong with this one."""
    with pytest.raises(ValidationError) as caught:
        TypeAdapter(kind).validate_python(given)
    error = caught.value.errors()[0]["ctx"]["error"]
    assert isinstance(error, RuleError)
    assert kind.THING in error.what
    assert why in error.why


@pytest.mark.parametrize(("amount", "text"), PRINTED.items())
def test_cpu_is_printed_as_kubernetes_does(amount: CpuQuantity, text: str) -> None:
    """Whole cores are bare numbers, the rest are thousandths."""
    assert str(amount) == f"{amount}" == text


@pytest.mark.parametrize(("number", "text"), MEMORY_PRINTED.items())
def test_memory_is_printed_with_the_largest_whole_suffix(number: int, text: str) -> None:
    """Binary suffixes come first, decimal ones where none fits."""
    assert str(MemoryQuantity(number)) == text


@pytest.mark.parametrize(("number", "text"), SIZE_PRINTED.items())
def test_a_size_is_printed_in_exact_megabytes(number: int, text: str) -> None:
    """Megabytes are of 1,000,000 bytes, and no byte is rounded away."""
    assert str(ImageSize(number)) == text
    assert ImageSize(number).megabytes == pytest.approx(number / 1e6)


@pytest.mark.parametrize("kind", KINDS)
@given(number=st.integers(0, MAX // 10**6))
def test_text_and_number_are_the_same_amount(kind: type[Quantity], number: int) -> None:
    """What an amount prints reads as the same amount."""
    assert kind.parse(str(kind(number))) == number


@given(left=st.integers(0, 10**15), right=st.integers(0, 10**15), kind=st.sampled_from(KINDS))
def test_amounts_are_ordered_as_numbers(left: int, right: int, kind: type[Quantity]) -> None:
    """The order of the texts' amounts is that of the numbers, whatever the suffixes."""
    assert (kind.parse(str(kind(left))) < kind.parse(str(kind(right)))) == (left < right)


SUFFIXED = st.tuples(
    st.integers(0, 10**6), st.integers(0, 999), st.sampled_from(sorted(set(MemoryQuantity.SUFFIXES) - {"n", "u", "m"}))
)


@given(SUFFIXED)
def test_parsing_is_exact(parts: tuple[int, int, str]) -> None:
    """An amount is its fraction times its suffix, without rounding; it is refused where that is no whole number."""
    whole, thousandths, suffix = parts
    text = f"{whole}.{thousandths:03d}{suffix}"
    exact = Fraction(whole * 1000 + thousandths, 1000) * MemoryQuantity.SUFFIXES[suffix][0]
    assume(exact <= MAX)
    if exact.denominator == 1:
        assert MemoryQuantity.parse(text) == exact
    else:
        with pytest.raises(RuleError, match="not a whole number"):
            MemoryQuantity.parse(text)


@given(st.text(max_size=80) | st.floats() | st.integers())
def test_anything_else_is_a_rule_error(given_: str | float) -> None:
    """Whatever a file holds, it is an amount or a sentence, never another error."""
    for kind in KINDS:
        try:
            assert 0 <= kind.parse(given_) <= MAX * kind.SCALE
        except RuleError as error:
            assert kind.THING in error.what  # noqa: PT017 - most examples are refused, some are amounts


@pytest.mark.parametrize("kind", KINDS)
def test_an_amount_survives_a_dump_a_copy_and_a_pickle(kind: type[Quantity]) -> None:
    """Dumped as text, it is read again as itself; copies keep class and number."""
    amount = kind(1_500_000)
    adapter = TypeAdapter(kind)
    assert adapter.validate_json(adapter.dump_json(amount)) == amount
    assert adapter.dump_python(amount) == str(amount)
    for copied in (copy.deepcopy(amount), pickle.loads(pickle.dumps(amount))):  # noqa: S301 - our own bytes
        assert (type(copied), copied) == (kind, amount)


def test_an_amount_of_one_kind_is_none_of_another() -> None:
    """Memory where CPU is wanted is refused, though both are numbers."""
    with pytest.raises(ValidationError, match="not an amount of CPU"):
        TypeAdapter(CpuQuantity).validate_python(MemoryQuantity(1))


def test_an_endless_number_is_refused_without_being_printed() -> None:
    """A number that Python itself would not print is refused in a short sentence."""
    with pytest.raises(RuleError, match="a number of more than 64 bits"):
        MemoryQuantity.parse(10**5000)


def test_a_total_is_of_the_same_kind() -> None:
    """The sum of amounts prints as an amount."""
    total = CpuQuantity.total([CpuQuantity.parse("250m"), CpuQuantity.parse("0.5")])
    assert repr(total) == "CpuQuantity('750m')"


def test_editors_learn_that_an_amount_is_text_or_a_number() -> None:
    """The JSON Schema of an amount allows what YAML gives for one."""
    assert TypeAdapter(CpuQuantity).json_schema() == {"anyOf": [{"type": "string"}, {"type": "number"}]}
