"""What registers mean: usage, aggregates, profiles and costs. Pure functions over readings."""
