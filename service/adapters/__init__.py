"""What the ports are made of: SQL, FAISS, ONNX Runtime."""
