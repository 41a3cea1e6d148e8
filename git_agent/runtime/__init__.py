"""What every front end does around an action, and what runs for long. Imports actions and the layers below it."""
