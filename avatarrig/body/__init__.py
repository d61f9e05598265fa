"""From landmarks to proportions: evidence, tallies, estimates. Pure mathematics."""
