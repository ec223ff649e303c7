"""Run user code safely: everything that it can reach is saved and restored."""

__all__: list[str] = []
