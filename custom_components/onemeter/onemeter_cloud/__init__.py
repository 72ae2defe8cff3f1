"""Client library for the OneMeter Cloud API."""
