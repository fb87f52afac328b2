"""Tests of the package `lowerdeck`; those of a running server start the binary that LOWERDECKD names."""
