"""A pipeline at work: starts the parts, publishes photos, watches, drains, keeps the results."""
