"""What passed between us and each agency."""
