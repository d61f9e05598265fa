"""Photo references in, observations out: detector replicas and their supervisor."""
