"""The style sheet of the report."""

from __future__ import annotations

import re

from dockyard.ui.style import STYLE


def test_it_asks_for_nothing_from_elsewhere() -> None:
    """The page stands alone."""
    assert not re.search(r"url\(|@import|https?:", STYLE)


def test_light_and_dark_have_the_same_colours() -> None:
    """None is forgotten in one of them, and none is used that is nowhere."""
    light, dark = (set(re.findall(r"(--[a-z-]+):", part)) for part in STYLE.split("@media", 2)[:2])
    assert light == dark
    assert set(re.findall(r"var\((--[a-z-]+)\)", STYLE)) <= light


def test_braces_are_closed() -> None:
    """One that is not would take the rest of the sheet with it."""
    assert STYLE.count("{") == STYLE.count("}")


def _luminance(colour: str) -> float:
    def linear(part: str) -> float:
        value = int(part, 16) / 255
        return value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4

    red, green, blue = (linear(colour[at : at + 2]) for at in (1, 3, 5))
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _contrast(one: str, other: str) -> float:
    high, low = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)


def test_text_can_be_read() -> None:
    """4.5 to 1 at least (WCAG 2, AA): text on cards and on paper, and labels on the bars."""
    for part in STYLE.split("@media", 2)[:2]:
        colours = dict(re.findall(r"--([a-z-]+): (#[0-9a-f]{6})", part))
        pairs = [
            (ink, ground) for ink in ("ink", "soft", "good", "bad", "warn", "accent") for ground in ("paper", "card")
        ]
        pairs += [("on", bar) for bar in ("build", "load", "release", "rollback", "verify", "other", "bad", "warn")]
        pairs += [("ink", "ground"), ("bad", "bad-paper"), ("ink", "bad-paper")]
        poor = {f"{a} on {b}": round(_contrast(colours[a], colours[b]), 2) for a, b in pairs}
        assert {pair: ratio for pair, ratio in poor.items() if ratio < 4.5} == {}
