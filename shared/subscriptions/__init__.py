"""Graph's change notifications: receiving them, and keeping the subscriptions that bring them alive."""
