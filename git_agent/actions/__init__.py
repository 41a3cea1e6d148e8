"""The verbs: each has a public function of its name. Actions never print. They import only app and lower layers."""
