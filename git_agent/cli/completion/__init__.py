"""Shell completion: the scripts, what could stand at the cursor, and installing them."""
