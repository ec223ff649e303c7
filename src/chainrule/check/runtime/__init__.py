"""Run user code safely: everything that it can reach is saved and restored."""
