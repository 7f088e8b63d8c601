"""Models as ONNX graphs, and the proof that these say the same."""
