"""What the server keeps and tells: devices, readings, registers, dates. Values and functions."""
