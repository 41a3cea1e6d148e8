"""Shell completion: the scripts, their installation, and the candidates at the cursor."""
