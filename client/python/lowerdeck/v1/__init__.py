"""The wire contract: generated messages and stubs of `lowerdeck.v1`. The modules beside this one are never edited."""
