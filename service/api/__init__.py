"""HTTP in, HTTP out: routes parse and answer, they decide nothing."""
