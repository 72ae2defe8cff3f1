"""A real Home Assistant with the integration and two meters, from a local cloud: `scripts/demo`."""
