"""ivif-bench: the infrared-visible image fusion benchmark."""

__version__ = "0.1.0"
