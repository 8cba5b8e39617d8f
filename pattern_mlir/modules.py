"""What passes and the interpreter ask of a module: its network, and where operations come from."""

from __future__ import annotations

import re
from typing import Any

from pattern_mlir.errors import PassFailure


def place(location: Any) -> str:
    """Return the name that a location gives, such as `layer1.0.conv1`, else file and line."""
    text = str(location)
    named = re.match(r'loc\("([^"]+)"[()]', text)
    return named[1] if named else text[len("loc(") : -1].replace('"', "")


def is_network(function: Any) -> bool:
    """Whether ``function`` is public and has a body."""
    visibility = function.attributes.get("sym_visibility")
    return (visibility is None or visibility.value == "public") and not function.is_external


def forward_function(module: Any) -> Any:
    """Return the module's one public function, the network.

    Raises:
        PassFailure: there is none, or more than one.
    """
    functions = [
        op
        for op in module.regions[0].blocks[0].operations
        if op.operation.name == "func.func" and is_network(op)
    ]
    if len(functions) != 1:
        raise PassFailure(
            f"the module has {len(functions)} public functions; a network is exactly one,"
            " make the others private"
        )
    return functions[0]
