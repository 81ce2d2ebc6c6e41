"""What the service decides, knowing nothing of HTTP, SQL or FAISS."""
