"""What the stages tell Prometheus: the metrics, and where they are served.

A service is one process that supervises others. Its children write what they measure through
`sharing.share_metrics` into a folder that the supervisor reads at each scrape, so that a child
that is killed takes no count with it.
"""
