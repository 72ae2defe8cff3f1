"""The documented API client of the integration, which lives in the client library."""

from .onemeter_cloud import OneMeterApiClient

__all__ = ["OneMeterApiClient"]
