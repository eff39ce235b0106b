name = "worker"
