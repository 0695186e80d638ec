"""The sentences: each flow joins rooms, and only flows do."""
