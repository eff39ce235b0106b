name = "shared"
