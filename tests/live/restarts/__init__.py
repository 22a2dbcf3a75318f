"""What stands below the product is crashed, or the product is: on a PostgreSQL and a Redis of these tests alone."""
