"""Every pass's docstring shows a small module before and after; these tests run it."""

from __future__ import annotations

import ast
import inspect
import re

import pytest

from pattern_mlir.passes import PASS_NAMES, pass_class
from pattern_mlir.pipelines import run
from pattern_mlir.program import Program

EXAMPLE = re.compile(r"^Before(?: \((.*)\))?:\n(.*?)^After:\n(.*?)(?=^\S|\Z)", re.S | re.M)
"""`Before:` or `Before (threads = 2):`, an indented module; `After:`, an indented module."""


def example(name: str) -> tuple[dict[str, object], str, str]:
    """Return the options, the module before and the module after of a pass's example."""
    found = EXAMPLE.search(inspect.getdoc(pass_class(name)) or "")
    assert found, f"{name}: the docstring shows no example under 'Before:' and 'After:'"
    options, before, after = found.groups()
    pairs = [pair.split("=") for pair in options.split(",")] if options else []
    return {key.strip(): ast.literal_eval(value.strip()) for key, value in pairs}, before, after


def printed(program: Program, *, whole_module: bool) -> str:
    """Return the module's text, or that of its operations alone."""
    operations = program.module.body.operations
    return program.text() if whole_module else "\n".join(map(str, operations))


def normalized(text: str) -> list[str]:
    """Return the words of ``text``."""
    return text.split()


@pytest.mark.parametrize("name", PASS_NAMES)
def test_the_example_of_a_pass_is_what_it_does(name: str) -> None:
    options, before, after = example(name)
    program = Program.parse(before)
    run(program, [pass_class(name)(**options)])
    actual = printed(program, whole_module=after.lstrip().startswith("module"))
    assert normalized(actual) == normalized(after), actual


@pytest.mark.parametrize("name", PASS_NAMES)
def test_the_module_before_needs_the_pass(name: str) -> None:
    _, before, after = example(name)
    assert normalized(before) != normalized(after)
