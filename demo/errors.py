"""What stops the demo."""


class DemoError(Exception):
    """Something did not come up or did not answer as it should; the text is for the user."""
