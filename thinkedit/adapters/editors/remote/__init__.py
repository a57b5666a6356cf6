"""What editors behind HTTP share: addresses, trouble and trying again, pictures out and back."""
