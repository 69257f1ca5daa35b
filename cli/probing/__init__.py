"""What `erf probe` is made of: a series of images and units, and what a person is told of it."""
