"""Which mistake it is: by the change of a line that fixes it, or by reproducing it."""

__all__: list[str] = []
