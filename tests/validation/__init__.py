"""Tests of the project's files, in the way of Home Assistant's own validator."""
