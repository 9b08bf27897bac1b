"""What will be deployed, checked without Azure."""
