"""Invented meters that live, and the control interface that tests and the demo use."""
