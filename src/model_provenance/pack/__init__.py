"""Walk, hash and serialise a model directory in one read of its bytes."""
