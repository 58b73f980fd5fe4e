"""What goes out to addresses that rule authors choose: signed posts, and never to a private address."""
