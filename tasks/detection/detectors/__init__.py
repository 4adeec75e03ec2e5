"""Object detectors, one module each; ``bench.plugin.kinds.DETECTORS`` finds them here."""
