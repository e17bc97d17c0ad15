"""The file .env: what it may hold, and where it is wrong."""

from __future__ import annotations

import fcntl
import io
import os
import re
from pathlib import Path

import pytest
from dotenv import dotenv_values
from hypothesis import given
from hypothesis import strategies as st

from dockyard import envfile
from dockyard.envfile import FILE, parse
from dockyard.model.errors import ConfigError

VALUES = {
    "plain": ("KEY=value\n", "value"),
    "no line break at the end": ("KEY=value", "value"),
    "Windows line breaks": ("KEY=value\r\nOTHER=x\r\n", "value"),
    "a dollar": ("OTHER=x\nKEY=pa$OTHER${OTHER}$$\n", "pa$OTHER${OTHER}$$"),
    "an equals sign": ("KEY=a=b==\n", "a=b=="),
    "a hash in it": ("KEY=a#b\n", "a#b"),
    "a comment behind it": ("KEY=a # remark\n", "a"),
    "a comment alone": ("KEY= # remark\n", ""),
    "in single quotes": ("KEY='a # b \"c\" $d \\n'\n", 'a # b "c" $d \\n'),
    "in double quotes": ("KEY=\"a # b 'c' $d\"\n", "a # b 'c' $d"),
    "an escape in double quotes": ('KEY="a\\nb"\n', "a\nb"),
    "over two lines": ('KEY="a\nb"\nOTHER=x\n', "a\nb"),
    "exported": ("export KEY=value\n", "value"),
    "spaces around": ("  KEY = value \n", "value"),
    "not ASCII": ("KEY=schlüssel\n", "schlüssel"),
    "a mark of byte order": ("\ufeffKEY=value\n", "value"),
    "twice": ("KEY=first\nKEY=last\n", "last"),
    "empty": ("KEY=\n", ""),
    "empty quotes": ('KEY=""\n', ""),
    "switched off": ("#KEY=value\n", None),
    "behind comments and empty lines": ("# one\n\n \n  # two\nKEY=value\n", "value"),
    "another name": ("KEYS=value\n", None),
}


@pytest.mark.parametrize(("text", "value"), VALUES.values(), ids=VALUES)
def test_a_value_is_taken_as_it_is(text: str, value: str | None) -> None:
    """The grammar is python-dotenv's without interpolation."""
    assert parse(text).get("KEY") == value


MISTAKES = {
    "a secret alone in its line": ("sk-hunter2hunter2\n", "1:1: this is no name of a variable"),
    "no equals sign": ("A=1\nKEY\n", "2:4: no = is behind the name"),
    "text between": ("KEY hunter2 = x\n", "1:4: no = is behind the name"),
    "no name": ("  =hunter2\n", "1:3: no name is before the ="),
    "a digit first": ("\n\n  1KEY=hunter2\n", "3:3: this is no name of a variable"),
    "a hyphen": ("export MY-KEY=hunter2\n", "1:8: this is no name of a variable"),
    "not ASCII": ("KÄSE=hunter2\n", "1:1: this is no name of a variable"),
    "quotes that are not closed": ("A=1\nKEY='hunter2\nB=2\n", "2:5: this quote is never closed"),
    "double quotes that are not closed": ('KEY = "hunter2\\"\n', "1:7: this quote is never closed"),
    "text behind quotes": ("KEY='hunter2'hunter2\n", "1:14: text is behind the quotes"),
    "text behind quotes over lines": ("KEY='hunter\n2' x\n", "2:4: text is behind the quotes"),
    "Windows line breaks": ("A=1\r\nhunter2\r\n", "2:8: no = is behind the name"),
}


@pytest.mark.parametrize(("text", "told"), MISTAKES.values(), ids=MISTAKES)
def test_a_line_that_is_none_is_told_with_its_place(text: str, told: str) -> None:
    """Line and column, and not a character of what stands there: it may be a secret."""
    with pytest.raises(ConfigError) as caught:
        parse(text)
    assert caught.value.what == f".env has 1 mistake:\n  .env:{told}"
    assert "hunter2" not in repr(caught.value.args)


def test_every_mistake_is_told_up_to_a_number() -> None:
    """In one go; of many, the first."""
    with pytest.raises(ConfigError, match=r"has 2 mistakes:\n  .env:1:2: .*\n  .env:3:2: "):
        parse("A\nB=1\nC\n")
    with pytest.raises(ConfigError, match=r"has 1,000 mistakes:[^$]*\n  and 980 more"):
        parse("A\n" * 1000)


LINES = st.text(st.sampled_from("AB_1= '\"\\#\n\r\texportz-ü$"), max_size=40)


@given(LINES | st.text(max_size=40))
def test_what_is_taken_is_what_python_dotenv_takes(text: str) -> None:
    """Whatever the file holds: the same values, or a mistake with its place and no traceback."""
    try:
        values = parse(text)
    except ConfigError as error:
        assert re.search(r"\n  \.env:\d+:\d+: (no|this|text) ", error.what)  # noqa: PT017 - both ends are right
    else:
        given_values = dotenv_values(stream=io.StringIO(text), interpolate=False)
        assert values == {name: value or "" for name, value in given_values.items()}


TEXTS = st.text(
    st.one_of(
        st.sampled_from("'\"\\`#$={}! \n\té😀"), st.characters(exclude_categories=["Cs"], exclude_characters="\r")
    ),
    min_size=1,
    max_size=60,
)


@given(values=st.dictionaries(st.sampled_from(["A", "B_1", "PATH_", "SECRET"]), TEXTS, min_size=1))
def test_a_written_line_comes_back_byte_for_byte(values: dict[str, str]) -> None:
    """Quotes, #, $, =, braces, backslashes, line breaks and Unicode survive."""
    assert parse("".join(envfile.line(name, value) for name, value in values.items())) == values


def test_a_long_value_comes_back(tmp_path: Path) -> None:
    """A hundred kilobytes, through the file."""
    value = "x\ty'\\" * 20_000
    (tmp_path / FILE).write_text(envfile.line("KEY", value), encoding="utf-8", newline="")
    assert envfile.read(tmp_path / FILE) == {"KEY": value}


def test_no_file_has_no_values(tmp_path: Path) -> None:
    """The environment may hold everything."""
    assert envfile.read(tmp_path / FILE) == {}


def test_a_folder_of_that_name_is_told(tmp_path: Path) -> None:
    """Docker makes one where a mounted file is missing."""
    (tmp_path / FILE).mkdir()
    with pytest.raises(ConfigError, match=r"^\.env is a folder\. Docker makes a folder .* Remove it"):
        envfile.read(tmp_path / FILE)


def test_a_pipe_is_told_and_not_waited_for(tmp_path: Path) -> None:
    """Nothing is opened that could block."""
    os.mkfifo(tmp_path / FILE)
    with pytest.raises(ConfigError, match=r"^\.env is no regular file\. Remove it"):
        envfile.read(tmp_path / FILE)


def test_a_file_in_another_encoding_is_told_without_its_content(tmp_path: Path) -> None:
    """The error must not show what is in the file."""
    (tmp_path / FILE).write_bytes(b"A=1\nKEY=caf\xe9-secret\n")
    with pytest.raises(ConfigError) as caught:
        envfile.read(tmp_path / FILE)
    assert str(caught.value) == ".env cannot be read. It is not UTF-8 in line 2."
    assert caught.value.__cause__ is None


def test_a_file_that_cannot_be_opened_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another user's, say."""
    (tmp_path / FILE).touch()

    def refuse(_: Path) -> bytes:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "read_bytes", refuse)
    with pytest.raises(ConfigError, match=r"^\.env cannot be read\. Permission denied\.$"):
        envfile.read(tmp_path / FILE)
    with pytest.raises(ConfigError, match="Not a directory"):
        envfile.read(tmp_path / FILE / FILE)


def test_a_file_that_is_no_env_is_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Far larger than all values of a project."""
    monkeypatch.setattr(envfile, "LARGEST", 10)
    (tmp_path / FILE).write_text("KEY=12345678\n")
    with pytest.raises(ConfigError, match=r"more than 10 bytes"):
        envfile.read(tmp_path / FILE)


@pytest.mark.parametrize(
    ("mode", "open_"), [(0o600, False), (0o400, False), (0o640, True), (0o604, True), (0o666, True)]
)
def test_a_file_that_others_may_read_is_known(tmp_path: Path, mode: int, *, open_: bool) -> None:
    """With its mode, and what ends it."""
    path = tmp_path / FILE
    assert envfile.exposure(path) == ""
    path.touch(0o600)
    path.chmod(mode)
    told = f".env is open to other users of this machine (mode {mode:04o}); `chmod 600 .env` ends it"
    assert envfile.exposure(path) == (told if open_ else "")


PUT = {
    "bare, with a comment": ("A=1\nKEY= old # why\nB=2", "A=1\nKEY= {} # why\nB=2"),
    "quoted, exported, Windows line breaks": ("export KEY='x' # c\r\nB=1\r\n", "export KEY={} # c\r\nB=1\r\n"),
    "over two lines": ('A=1\nKEY="a\nb"\nB=2\n', "A=1\nKEY={}\nB=2\n"),
    "twice": ("KEY=1\n\n KEY = 2 \n", "KEY=1\n\n KEY = {} \n"),
    "empty": ("KEY=\nB=2\n", "KEY={}\nB=2\n"),
    "absent": ("A=1", "A=1\nKEY={}\n"),
    "an empty file": ("", "KEY={}\n"),
    "another name": ("KEYS=1\n#KEY=2\n", "KEYS=1\n#KEY=2\nKEY={}\n"),
}


@pytest.mark.parametrize(("text", "wanted"), PUT.values(), ids=PUT)
def test_a_value_is_replaced_and_nothing_else(text: str, wanted: str) -> None:
    """Every other byte stays: comments, blanks, line breaks, other lines."""
    value = "it's \\ # \n new"
    written = envfile.line("KEY", value).partition("=")[2].rstrip("\n")
    put = envfile.put(text, "KEY", value)
    assert put == wanted.format(written)
    assert parse(put) == {**parse(text), "KEY": value}


def test_a_file_is_written_in_one_step_and_privately(tmp_path: Path) -> None:
    """Readable by its owner alone whatever it was before; a link still names the same file."""
    path, link = tmp_path / "kept", tmp_path / ".env"
    path.write_text("A=1\n", encoding="utf-8")
    path.chmod(0o644)
    link.symlink_to(path)
    envfile.write(link, "A=2\n")
    assert link.is_symlink()
    assert (path.read_text(encoding="utf-8"), path.stat().st_mode & 0o777) == ("A=2\n", 0o600)
    assert sorted(entry.name for entry in tmp_path.iterdir()) == [".env", "kept"]


def test_what_a_killed_writer_left_goes_and_a_living_one_is_left_alone(tmp_path: Path) -> None:
    """The lock on the file tells them apart, since the system gives it back when a process ends."""
    path, new = tmp_path / ".env", tmp_path / ".env.new"
    envfile.tidy(path)
    with new.open("w", encoding="utf-8") as file:
        file.write("KEY=hunter2\n")
        fcntl.flock(file, fcntl.LOCK_EX)
        envfile.tidy(path)
        assert new.exists()
    envfile.tidy(path)
    assert not new.exists()
    new.write_text("KEY=hunter2\n", encoding="utf-8")
    envfile.write(path, "A=1\n")
    assert [entry.name for entry in tmp_path.iterdir()] == [".env"]
