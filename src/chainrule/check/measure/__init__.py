"""Slopes of the loss, entry by entry or along directions, and a verdict for each parameter."""

__all__: list[str] = []
