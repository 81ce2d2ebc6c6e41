"""Training the five-point network of `faces.landmarks`: labels, training, evaluation, export."""
