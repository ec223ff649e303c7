"""chainrule: neural networks whose every gradient you can see, check and trust."""

__version__ = "0.1.0"
