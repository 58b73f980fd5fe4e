"""What `slotwright doctor` looks at, one file per thing that may be ill."""
