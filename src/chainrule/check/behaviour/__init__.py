"""What a backward pass must not do: keep a batch, change its input, depend on a layout."""

__all__: list[str] = []
