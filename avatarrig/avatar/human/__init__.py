"""A human body of everybody's: MakeHuman's base mesh, shaped after an estimate."""
