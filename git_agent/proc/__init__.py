"""Programs other than git: start, watch and end them. Only this package starts them; it imports domain and errors."""
