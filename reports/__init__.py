"""The static HTML report; imports no torch and computes no metric."""
