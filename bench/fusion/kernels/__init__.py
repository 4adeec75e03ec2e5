"""Convolutions of 3x3 and of single pixels, compiled; ``pip install "ivif-bench[fast]"``.

Nothing here is imported before the runtime ``winograd`` is used, see :mod:`bench.fusion.winograd`.
"""
