"""Hold what was verified: open descriptors, sealed copies, leases, and folders that lead to nothing else."""
