"""The OneMeter Cloud API, served from the owner's own machine."""
