"""A method and a pair become an image, alike for all methods."""
