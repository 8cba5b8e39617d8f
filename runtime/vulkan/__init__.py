"""Compiled networks on a GPU: plans of dispatches, and the runner for them."""
