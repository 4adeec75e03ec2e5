"""Solvers and transforms of the methods that learn nothing."""
