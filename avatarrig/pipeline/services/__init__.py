"""Services: what `ingest`, `detect`, `aggregate` and `up` do until they are told to stop."""
