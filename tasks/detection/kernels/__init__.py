"""A compiled version of what drawing detections again and again takes most of its time for."""
