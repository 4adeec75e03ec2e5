"""Object detectors, one module each; ``bench.plugins.DETECTORS`` finds them here."""
