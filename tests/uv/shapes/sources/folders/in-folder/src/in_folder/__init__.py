name = "in-folder"
