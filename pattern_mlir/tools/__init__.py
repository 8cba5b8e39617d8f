"""Command-line tools."""

import os

# Threads that numpy's BLAS starts and the tools never use would double their start-up time.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
