"""What a stranger writes and how it is found: methods, tasks, segmenters and detectors."""
