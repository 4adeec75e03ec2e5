"""Networks, one file per method; shared blocks in blocks.py."""
