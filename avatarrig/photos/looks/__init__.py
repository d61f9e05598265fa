"""What photos look like at a glance: which are near-copies of each other, and which is sharpest."""
