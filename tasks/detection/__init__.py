"""Object detection: what fusion does for a detector that never saw a fused image."""
