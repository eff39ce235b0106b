name = "extra"
