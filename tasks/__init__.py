"""Task runners: what fusion does for high-level vision."""
