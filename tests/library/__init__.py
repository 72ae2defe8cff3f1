"""What the client library promises."""
