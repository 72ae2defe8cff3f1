"""Exact hourly statistics of energy and money: what is due, read, made of it, and written."""
