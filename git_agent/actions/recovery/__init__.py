"""Recovery: the journal of intents, and finishing or rolling back the work of dead processes."""
