"""How methods are trained here: one recipe per file; the loop itself is ``bench.train``."""
