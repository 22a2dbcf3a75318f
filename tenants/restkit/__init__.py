"""The API kit: what makes a hundred endpoints alike. Knows tenants and credentials; knows no resource."""
