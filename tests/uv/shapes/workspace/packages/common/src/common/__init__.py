name = "common"
