"""The one timing decoder: from an order of operations to the earliest legal plan."""
