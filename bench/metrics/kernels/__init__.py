"""Compiled versions of the formulas that take most of the time; ``pip install "ivif-bench[fast]"``.

Each gives the number of the NumPy formula of the same name within 1e-9 relative (VIF: 1e-8); the
NumPy formulas stay the reference. Nothing here is imported before the engine ``numba`` is chosen, see
:mod:`bench.metrics.choice`.
"""
