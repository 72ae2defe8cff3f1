"""The parts of `bench.server`: invented meters, a server process, and what is measured of it."""
