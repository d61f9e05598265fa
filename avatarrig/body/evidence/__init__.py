"""One photo's evidence: from landmarks to integers that add up, or why it does not count."""
