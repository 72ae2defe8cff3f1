"""Tests of the whole: real processes, as users run them."""
