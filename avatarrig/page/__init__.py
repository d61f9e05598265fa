"""The aggregator's web server: the live page, and what machines ask for beside it."""
