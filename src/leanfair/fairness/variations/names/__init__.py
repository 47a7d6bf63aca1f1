"""People's names, as a record holds them and as far as they tell another attribute."""
