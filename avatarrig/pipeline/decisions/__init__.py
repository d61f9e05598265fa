"""Which photos count: decided by hand, in a run or a service, and published until it is so."""
