"""Runs commands and keeps what a person would have seen of them as an SVG picture.

`picture.py OUT.svg COMMAND... [+ COMMAND...]`: their output is shown while they run, and the picture is drawn from the
same text. It stops at the first that fails, and ends with its exit code.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from rich.console import Console
from rich.text import Text

WIDTH = 118

# No web font: a picture in a repository must look the same without a network.
TEMPLATE = """<svg class="rich-terminal" viewBox="0 0 {width} {height}" xmlns="http://www.w3.org/2000/svg">
<style>
.{unique_id}-matrix {{
  font-family: ui-monospace, "DejaVu Sans Mono", Menlo, Consolas, monospace;
  font-size: {char_height}px; line-height: {line_height}px; font-variant-east-asian: full-width;
}}
.{unique_id}-title {{ font-size: 18px; font-weight: bold; font-family: sans-serif; }}
{styles}
</style>
<defs>
<clipPath id="{unique_id}-clip-terminal">
<rect x="0" y="0" width="{terminal_width}" height="{terminal_height}" />
</clipPath>
{lines}
</defs>
{chrome}
<g transform="translate({terminal_x}, {terminal_y})" clip-path="url(#{unique_id}-clip-terminal)">
{backgrounds}
<g class="{unique_id}-matrix">
{matrix}
</g>
</g>
</svg>
"""


def main(out: Path, commands: list[list[str]]) -> int:
    """Run commands until one fails, show and draw their output; return the last exit code."""
    console = Console(record=True, width=WIDTH, file=open(os.devnull, "w", encoding="utf-8"))  # noqa: SIM115, PTH123
    code = 0
    for command in commands:
        console.print(Text(f"$ {' '.join(command)}", style="bold"))
        code, written = run(command)
        console.print(Text.from_ansi(written))
        if code:
            break
    console.save_svg(str(out), title="Dockyard", code_format=TEMPLATE)
    return code


def run(command: list[str]) -> tuple[int, str]:
    """Run a command, show its output, and return its exit code and that output."""
    # Colours, but no line that another one replaces: a picture has only one moment.
    environment = {**os.environ, "FORCE_COLOR": "1", "COLUMNS": str(WIDTH)}
    written = []
    with subprocess.Popen(  # noqa: S603 - the caller's own command
        command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as process:
        for line in process.stdout or ():
            sys.stdout.write(line)
            written.append(line)
    return process.returncode, "".join(written)


def split(words: list[str]) -> list[list[str]]:
    """Return the commands that stand between words that are a plus."""
    commands: list[list[str]] = [[]]
    for word in words:
        if word == "+":
            commands.append([])
        else:
            commands[-1].append(word)
    return commands


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), split(sys.argv[2:])))
