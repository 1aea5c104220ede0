"""What Given and When steps do, where it takes more than one call of the stage."""
