"""Natural language: conversations, the agent that works on the user's tasks, ChatKit."""
