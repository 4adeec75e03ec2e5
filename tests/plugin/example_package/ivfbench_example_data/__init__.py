"""Example data set: the description beside this file."""
