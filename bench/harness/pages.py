"""Results as pages of the documentation: written between markers, from the JSON files."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

from harness import tables
from harness.goals import verdicts
from harness.networks import CASES
from harness.results import CaseResult, load

LAYERS_PAGE = "layers.md"
NOTICE = "<!-- Written by `make bench` from the JSON files beside it. -->"


def results_in(folder: Path) -> dict[str, CaseResult]:
    """Return the results that lie in ``folder``, by case, in the order of the cases."""
    return {
        name: load(folder / f"{name}.json") for name in CASES if (folder / f"{name}.json").exists()
    }


def write(folder: Path, page: Path) -> None:
    """Write the page of layers in ``folder``, and the peers' part of ``page``."""
    results = results_in(folder)
    (folder / LAYERS_PAGE).write_text(layers_page(results))
    write_part(page, "peers", peers_part(results, folder.name))


def write_part(page: Path, name: str, part: str) -> None:
    """Put ``part`` between the markers ``name`` of ``page``, which is made if it is missing."""
    text = page.read_text() if page.exists() else "# Benchmark results\n"
    page.write_text(replaced(text, name, part))


def replaced(text: str, name: str, part: str) -> str:
    """Return ``text`` with ``part`` between the markers ``name``, which are added if missing."""
    begin, end = f"<!-- {name}: written by a script -->", f"<!-- end of {name} -->"
    block = f"{begin}\n\n{part.strip()}\n\n{end}"
    pattern = re.compile(f"{re.escape(begin)}.*?{re.escape(end)}", re.S)
    if pattern.search(text):
        return pattern.sub(lambda _: block, text)
    return f"{text.rstrip()}\n\n{block}\n"


def peers_part(results: Mapping[str, CaseResult], folder: str) -> str:
    """Return goals and everyone's times in Markdown; ``folder`` is linked to."""
    parts = [tables.goals(verdicts(results)).markdown()]
    parts.append(f"![Times relative to ours]({folder}/peers.png)\n")
    for result in results.values():
        for run in result.runs:
            threads = "one thread" if run.threads == 1 else f"{run.threads} threads"
            heading = f"### {result.title}, {threads}"
            lines = f"{run.repetitions} rounds on {result.processor}."
            parts.append(f"{heading}\n\n{lines}\n\n{tables.contenders(run).markdown()}")
    parts.append(f"Layer by layer: [{LAYERS_PAGE}]({folder}/{LAYERS_PAGE}).")
    return "\n".join(parts)


def layers_page(results: Mapping[str, CaseResult]) -> str:
    """Return the page about our layers."""
    parts = [
        f"{NOTICE}\n\n# Layer by layer\n",
        "Medians. Fractions of the peak count multiply-accumulates on weights that are not zero;"
        " bytes are those of inputs, weights and result. Imbalance is the busiest thread's share"
        " of the multiplications over the mean.\n",
    ]
    for result in results.values():
        one, two = result.run(1), result.run(2)
        if one and one.layers:
            parts.append(f"## {result.title}\n\n{tables.closing_line(result, one)}\n")
            parts.append(tables.layers(one).markdown())
        if one and two and one.layers and len(one.layers) == len(two.layers):
            parts.append(f"### {result.title}, two threads\n")
            parts.append(tables.two_threads(one, two).markdown())
    return "\n".join(parts)
