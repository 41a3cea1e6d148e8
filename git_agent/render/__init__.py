"""How results are said: text, tables, JSON. Never decides anything. Imports actions' results and the domain."""
