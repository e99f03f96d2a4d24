"""The library that turns one base checkpoint into verified specialists."""

__version__ = "0.1.0"
