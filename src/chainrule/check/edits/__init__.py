"""Small changes to the source of user code, by kind: scale, product, sum, activation, term."""

__all__: list[str] = []
