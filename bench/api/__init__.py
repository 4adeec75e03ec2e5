"""The door for notebooks and training loops: load a run, evaluate images, fuse a pair.

What is public is named in :mod:`bench`; nothing of the benchmark imports this room.
"""
