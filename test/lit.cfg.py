"""lit: runs the RUN lines of the .mlir files below this folder with the installed tools."""

import os
import platform
import shutil
import sys
import tempfile

import lit.formats

config.name = "pattern_mlir"  # noqa: F821 - lit provides it
config.test_format = lit.formats.ShTest(False)  # noqa: F821
config.suffixes = [".mlir"]  # noqa: F821
config.excludes = ["inputs"]  # noqa: F821
config.test_source_root = os.path.dirname(__file__)  # noqa: F821
config.test_exec_root = os.path.join(tempfile.gettempdir(), f"pattern_mlir-lit-{os.getuid()}")  # noqa: F821

tools = os.path.dirname(sys.executable)
config.environment["PATH"] = os.pathsep.join((tools, os.environ["PATH"]))  # noqa: F821
config.substitutions += [  # noqa: F821
    (r"\bnot\b", f"{sys.executable} {os.path.join(os.path.dirname(__file__), 'not.py')}"),
    (r"%python", sys.executable),
]
if platform.machine() in ("x86_64", "AMD64"):
    config.available_features.add("x86")  # noqa: F821
if shutil.which("spirv-val"):  # Debian's package spirv-tools
    config.available_features.add("spirv-tools")  # noqa: F821
