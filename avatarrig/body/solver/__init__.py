"""The solver: from summed evidence to proportions with intervals, and what speaks against them."""
