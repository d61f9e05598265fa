"""Whose face it is: faces are found, aligned, turned into numbers and compared.

Only used where a person gave a reference. Nothing here reads or writes files but for the two
models, and nothing leaves the process.
"""
