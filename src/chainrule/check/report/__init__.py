"""The report of a check, as text, HTML and plain values."""

__all__: list[str] = []
