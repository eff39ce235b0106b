name = "in-folder-editable"
