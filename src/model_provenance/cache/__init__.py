"""Facts that were found once and cost much to find again, kept so that nobody else can put one there."""
