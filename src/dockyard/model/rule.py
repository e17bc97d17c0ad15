"""How a rule of the specification is attached to a type: one check, and the same rule for editors.

``Annotated[int, Strict(), between(1, 3, "a number of replicas", SECTION_3)]`` refuses 4 with a sentence, and says
``minimum: 1, maximum: 3`` in the JSON Schema that editors read.
"""

from collections.abc import Callable, Iterable, Mapping, Sized
from dataclasses import dataclass, field
from typing import Any

from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler, ValidationError
from pydantic_core import CoreSchema, InitErrorDetails, core_schema

from dockyard.model.errors import RuleError


@dataclass(frozen=True, slots=True, eq=False)
class Rule:
    """A check that a value passes after its type was seen to be right.

    Attributes:
        check: Returns the value, or raises RuleError.
        schema: The same rule as keywords of JSON Schema; may be empty.
    """

    check: Callable[[Any], object]
    schema: Mapping[str, object] = field(default_factory=dict)

    def __get_pydantic_core_schema__(self, source: type[object], handler: GetCoreSchemaHandler) -> CoreSchema:
        """Put the check behind the type's own."""
        return core_schema.no_info_after_validator_function(self.check, handler(source))

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        """Add the rule's keywords to the type's own."""
        return {**handler(schema), **self.schema}


def between(low: int, high: int, thing: str, source: str) -> Rule:
    """Return the rule that a number lies within bounds, both included.

    Args:
        low: The least.
        high: The most.
        thing: What the number is, as the end of "5 is not ...".
        source: Where the rule stands.
    """

    def check(value: int) -> int:
        if not low <= value <= high:
            span = f"{low} to {high}" if low < high else f"{low}"
            raise RuleError(f"{value} is not {thing}", why=f"It must be {span} ({source})")
        return value

    return Rule(check, {"minimum": low, "maximum": high})


def distinct(thing: str, source: str) -> Rule:
    """Return the rule that no item of a sequence comes twice."""

    def check(values: tuple[Any, ...]) -> tuple[Any, ...]:
        twice = next((value for at, value in enumerate(values) if value in values[:at]), None)
        if twice is not None:
            raise RuleError(f"The {thing} {twice!r} stands there twice", why=f"Each is named once ({source})")
        return values

    return Rule(check, {"uniqueItems": True})


def filled(thing: str, source: str) -> Rule:
    """Return the rule that a sequence or a mapping is not empty."""

    def check(values: Sized) -> Sized:
        if not values:
            raise RuleError(f"There is no {thing}", why=f"One at least is needed ({source})")
        return values

    return Rule(check)


Place = tuple[int | str, ...]
"""Where in a document something stands: keys and indices from the root, in the document's own spelling."""


def broken(title: str, rules: Iterable[tuple[Place, RuleError]]) -> ValidationError:
    """Return one error for several broken rules, each with its place, so that all are shown in one go."""
    return ValidationError.from_exception_data(
        title,
        [
            InitErrorDetails(type="value_error", loc=place, input=None, ctx={"error": error})  # input: may be a secret
            for place, error in rules
        ],
    )
