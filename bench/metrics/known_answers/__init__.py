"""Known answers: images given by a formula, whose metrics follow on paper; and published wrong ones.

``bench selftest`` computes all of them with the engine. Nothing here calls a formula of the engine: the answers are
derived from the definitions with elementary functions alone.
"""
