"""How photos are coded, format by format: what their bytes tell before a decoder sees them."""
