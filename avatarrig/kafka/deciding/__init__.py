"""Which photos count: what people decide about them, and how that reaches the topics."""
