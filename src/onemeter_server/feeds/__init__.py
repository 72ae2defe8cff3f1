"""How readings come in: whatever brings them ends in one intake."""
