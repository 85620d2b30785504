"""The web client, as a node serves it: files read once, with a policy that lets it load nothing from elsewhere."""
