"""What training and serving share: the one path from image bytes to a content vector."""
