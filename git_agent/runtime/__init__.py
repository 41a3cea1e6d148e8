"""What every front end does around an action, and what keeps running. Imports actions and what is below it."""
