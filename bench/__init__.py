"""Benchmarks: programs that measure, each against something known in the same run."""
