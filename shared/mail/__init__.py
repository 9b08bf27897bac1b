"""Mail: from the raw message to a decision about it, and what was done."""
